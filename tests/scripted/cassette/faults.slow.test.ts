import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { openCassette } from "../../../src/scripted/cassette/cassette.js";
import {
  answer,
  chunk,
  cutStream,
  failure,
  type Step,
  startLlmServer,
  stream,
  toolCalls,
} from "../../support/llm-server.js";
import { temporaryFolder } from "../../support/mcp-hub.js";
import { linesOf, type TapedSession, taped } from "../../support/taped.js";

const folder = temporaryFolder();
const path = join(folder.path, "add.cassette.jsonl");
const provider = (url: string, http: object = {}) => ({
  active: "test",
  http,
  providers: { test: { base_url: url, model: "m1", api_key: "sk-test-0123456789" } },
});
const nowhere = "http://127.0.0.1:1/v1";
const mcpServers = { demo: { command: process.execPath, args: ["dist/demo/mcp-server.js"] } };
const prompts = ["Add 2 and 40"];

function session(url: string, more: Partial<TapedSession> & { http?: object } = {}): TapedSession {
  const { http = {}, ...rest } = more;
  return { config: { llm: provider(url, http), mcpServers }, prompts, home: folder.path, ...rest };
}

async function record(file: string, steps: readonly Step[], http?: object) {
  await using server = await startLlmServer(steps);
  return await taped({ path: file, mode: "record" }, session(server.url, { http }));
}

let whole = "";
beforeAll(async () => {
  const steps = [toolCalls([{ name: "demo__add", arguments: { a: 2, b: 40 } }]), answer("It is 42.")];
  whole = (await record(path, steps)).transcript;
});
afterAll(() => folder[Symbol.dispose]());

async function playedWith(fault: string, http: object = {}, more: Partial<TapedSession> = {}) {
  const startedAt = performance.now();
  const run = await taped({ path, mode: "replay", faults: [fault] }, session(nowhere, { http, ...more }));
  return { ...run, ms: performance.now() - startedAt };
}

const withoutAttempts = (transcript: string) => transcript.replace(/"attempts":\d/g, "");

test.each(["llm[1]=429", "llm[2]=503", "llm[1]=cut@120", "llm[2]=cut@0", "llm[1]=reset"])(
  "%s is survived as on the wire: the request is sent again, without a pause",
  async (fault) => {
    const http = { initial_retry_delay: 60, max_retry_delay: 60 };
    const { transcript, misses, problems, ms } = await playedWith(fault, http);
    expect([misses, problems]).toEqual([[], []]);
    expect(transcript).toContain('"attempts":2');
    expect(withoutAttempts(transcript)).toBe(withoutAttempts(whole));
    expect(ms).toBeLessThan(30_000);
  },
);

test.each(["llm[1]=stall", "llm[1]=stall@100"])("%s runs into the time limits", async (fault) => {
  const { transcript } = await playedWith(fault, { ttft_timeout: 0.05, idle_timeout: 0.05 });
  expect(transcript).toContain('"attempts":2');
  expect(withoutAttempts(transcript)).toBe(withoutAttempts(whole));
});

test("llm[1]=401 ends the turn, as a real refusal does", async () => {
  const { transcript } = await playedWith("llm[1]=401");
  expect(transcript).toContain('"kind":"auth"');
});

test("delays take their time", async () => {
  for (const fault of ["llm[1]=delay:150ms", "mcp.demo[1]=delay:0.15s"]) {
    const { transcript, ms } = await playedWith(fault);
    expect(transcript).toBe(whole);
    expect(ms).toBeGreaterThan(149);
  }
});

test.each([
  ["mcp.demo[1]=error:-32000", "add failed: the fault mcp.demo[1]=error:-32000"],
  ["mcp.demo[1]=crash", "its outcome is unknown: the MCP server"],
  ["mcp.demo[1]=stall", "add did not answer and its outcome is unknown: no answer and no progress within 100 ms"],
])("%s is what the model is told", async (fault, told) => {
  const servers = { demo: { ...mcpServers.demo, timeout: "100ms" } };
  const config = { llm: provider(nowhere), mcpServers: servers };
  const { transcript, misses } = await playedWith(fault, {}, { config });
  expect(transcript).toContain(told);
  // The recording has another result there, so the next request to the model does not match.
  expect(misses[0]).toContain("$.messages[3].content");
});

test("a fault that nothing happened to is a problem", async () => {
  const { problems } = await playedWith("llm[9]=429");
  expect(problems).toEqual(["the fault llm[9]=429 did not happen: there were 2 requests to llm"]);
});

test.each([
  "llm[0]=429",
  "llm=429",
  "llm[1]=200",
  "llm[1]=cut",
  "llm[1]=crash",
  "mcp[1]=crash",
  "mcp.fs[1]=429",
  "mcp.fs[1]=delay:5",
  "x",
])("%s is refused as a fault, and the error lists the valid ones", async (fault) => {
  await expect(openCassette({ path, mode: "replay", faults: [fault] })).rejects.toThrow(
    `--fault: ${JSON.stringify(fault)} is not a fault (llm[N]= one of 400 to 599, cut@BYTES`,
  );
});

test("what is recorded because it was missing cannot be cut, and that is said; it can be refused", async () => {
  await using server = await startLlmServer([answer("live"), answer("live")]);
  const missing = async (fault: string) => {
    const file = join(folder.path, `${fault}.jsonl`);
    const { problems } = await taped(
      { path: file, mode: "record-missing", faults: [fault] },
      session(server.url, { http: { initial_retry_delay: 0.001 } }),
    );
    return problems;
  };
  expect(await missing("llm[1]=cut@3")).toEqual([
    "the fault llm[1]=cut@3 did not happen: the request was recorded, and only a played answer can be cut",
  ]);
  expect(await missing("llm[1]=429")).toEqual([]);
});

test("a 429 that was recorded is played, and its repetition: both are entries, and nobody waits", async () => {
  const file = join(folder.path, "429.cassette.jsonl");
  const limited = failure(429, { headers: { "retry-after": "3", "x-request-id": "theirs" } });
  const recorded = await record(file, [limited, answer("at last")]);
  expect(linesOf(file).filter((line) => line.startsWith('{"llm"'))).toHaveLength(2);
  const startedAt = performance.now();
  const played = await taped({ path: file, mode: "replay", strict: true }, session(nowhere));
  expect([played.misses, played.problems]).toEqual([[], []]);
  expect(played.transcript).toBe(recorded.transcript);
  expect(performance.now() - startedAt).toBeLessThan(2_900);
});

test.each([
  ["a refusal that asks for too long a pause", [failure(429, { headers: { "retry-after": "999" } })]],
  ["an answer that breaks off", [stream([chunk({ content: "half" }), cutStream])]],
  ["an answer that is no answer", [failure(400, { body: "<html>no" })]],
])("%s fails when played as it did when recorded", async (what, steps) => {
  const file = join(folder.path, `${what}.cassette.jsonl`);
  const http = { max_retries: 0 };
  const recorded = await record(file, steps, http);
  expect(recorded.transcript).toContain("turn_error");
  const played = await taped({ path: file, mode: "replay", strict: true }, session(nowhere, { http }));
  const withoutDate = (text: string) => text.replace(/, until [^,]+,/, "");
  expect(withoutDate(played.transcript)).toBe(withoutDate(recorded.transcript));
});

test("a provider that cannot be reached is recorded too", async () => {
  const file = join(folder.path, "down.cassette.jsonl");
  const recorded = await taped({ path: file, mode: "record" }, session(nowhere, { http: { max_retries: 0 } }));
  expect(recorded.transcript).toContain("cannot connect");
  const played = await taped(
    { path: file, mode: "replay" },
    session("http://127.0.0.1:2/v1", { http: { max_retries: 0 } }),
  );
  expect(played.transcript).toBe(recorded.transcript);
});

test("at the recorded speed the pauses of the recording are kept", async () => {
  const pauses: number[] = [];
  const sleep = async (milliseconds: number) => void pauses.push(milliseconds);
  await taped({ path, mode: "replay", speed: "recorded", sleep }, session(nowhere));
  const recorded = linesOf(path).flatMap((line) => {
    const { chunks = [], method, ms = 0 } = JSON.parse(line);
    return [...chunks.map(([pause]: [number]) => pause), ...(method === "tools/call" ? [ms] : [])];
  });
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  expect(sum(pauses)).toBe(sum(recorded));
});

test("neither a key nor a URL is needed to play", async () => {
  const config = { llm: { active: "test", providers: { test: { model: "m1" } } }, mcpServers };
  const { transcript, misses } = await taped({ path, mode: "replay" }, session(nowhere, { config }));
  expect(misses).toEqual([]);
  expect(transcript).toBe(whole);
  const { tape } = await openCassette({ path, mode: "replay" });
  expect([tape.playsModels, tape.isInstant]).toEqual([true, true]);
});
