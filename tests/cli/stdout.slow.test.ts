import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { methods } from "@agentclientprotocol/sdk";
import { afterEach, expect, test } from "@jest/globals";
import { dump } from "js-yaml";
import { connectClient, newSession } from "../support/acp.js";
import { fixtureServer } from "../support/app.js";
import { configFor, type Ended, ended, Workplace } from "../support/cli.js";
import { answer, failure, type LlmServer, startLlmServer, toolCalls } from "../support/llm-server.js";
import { until } from "../support/mcp-hub.js";
import { readMessage } from "../support/wire-messages.js";

/** A host among sources of noise: servers that print, one that dies, a provider that refuses, files that change. */
let place: Workplace;
let started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started) child.kill("SIGKILL");
  started = [];
  place[Symbol.dispose]();
});

const rubbish = `${"\u001b[31mwarning: {not json}\n".repeat(500)}{"jsonrpc":"2.0","id":1,"result":{}}\n`;
const noisy = () => fixtureServer({ greeting: rubbish, noise: true });
const servers = {
  s: noisy(),
  down: fixtureServer({ exitAtStart: { code: 3, stderr: rubbish } }),
  absent: { command: "no-such-program-at-all" },
};

const auto = { chat: { service: { approval: "auto" } } };

const configure = (llm: LlmServer) => place.configure(configFor(llm.url, servers, auto));

const newWindow = 54_321;

function changeConfiguration(llm: LlmServer): void {
  const provider = { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789", context_window: newWindow };
  const changed = dump(configFor(provider, { ...servers, another: noisy() }, auto));
  renameSync(place.write("config.draft", changed), join(place.folder, "config.yaml"));
}

/** Starts a provider that refuses once, then calls a tool that prints, then answers. */
function provider() {
  let requests = 0;
  return startLlmServer(() => {
    requests++;
    if (requests === 1) return failure(401, { body: "<html>go away</html>" });
    return requests === 2 ? toolCalls([{ name: "s__stderr", arguments: { bytes: 100_000 } }]) : answer("done");
  });
}

function start(...args: string[]) {
  const child = place.start("--log-level", "debug", ...args);
  started.push(child);
  let said = "";
  child.stderr?.on("data", (text) => {
    said += text;
  });
  return { child, logged: (text: string) => until(() => said.includes(text)) };
}

const linesOf = ({ stdout }: Ended) => stdout.trimEnd().split("\n");

test("stdio writes only messages of its schema to stdout", async () => {
  place = new Workplace();
  await using llm = await provider();
  configure(llm);
  const { child, logged } = start("stdio");
  const end = ended(child);
  const send = (message: object) => void child.stdin?.write(`${JSON.stringify(message)}\n`);
  let stdout = "";
  child.stdout?.on("data", (text) => {
    stdout += text;
  });
  send({ action: "chat", request_id: "r1", payload: { text: "hi" } });
  await until(() => stdout.includes('"status":"error"'));
  changeConfiguration(llm);
  await logged("config.yaml: added");
  child.stdin?.write("rubbish\n");
  send({ action: "chat", request_id: "r2", payload: { text: "hi", streaming: true } });
  await until(() => stdout.includes('"turn_end"'));
  for (const list of ["servers", "tools", "prompts", "resources"]) {
    send({ action: `list_${list}`, request_id: list });
  }
  send({ action: "history", request_id: "h" });
  child.stdin?.end();
  const whole = await end;
  expect(whole.exitCode).toBe(0);
  const messages = linesOf(whole).map(readMessage);
  expect(messages.at(-1)?.status).toBe("complete");
  expect(whole.stderr).toContain("no-such-program-at-all");
});

test("acp writes only messages of its schema to stdout", async () => {
  place = new Workplace();
  await using llm = await provider();
  configure(llm);
  const { child, logged } = start("acp");
  const { wire, agent, of, end } = connectClient({ input: child.stdin as never, output: child.stdout as never });
  const exit = once(child, "exit");
  await agent.request(methods.agent.initialize, { protocolVersion: 1, clientCapabilities: {} });
  const { sessionId } = await newSession(agent);
  const prompt = [{ type: "text" as const, text: "hi" }];
  await expect(agent.request(methods.agent.session.prompt, { sessionId, prompt })).rejects.toThrow();
  changeConfiguration(llm);
  await logged("config.yaml: added");
  expect(await agent.request(methods.agent.session.prompt, { sessionId, prompt })).toEqual({ stopReason: "end_turn" });
  expect(of("usage_update").at(-1)?.size).toBe(newWindow);
  end();
  expect((await exit)[0]).toBe(0);
  expect(wire.problems).toEqual([]);
});

test("mcp writes only JSON-RPC to stdout", async () => {
  place = new Workplace();
  await using llm = await provider();
  configure(llm);
  const { child, logged } = start("mcp");
  const end = ended(child);
  let stdout = "";
  child.stdout?.on("data", (text) => {
    stdout += text;
  });
  const send = (message: object) => void child.stdin?.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const chat = (id: number) =>
    send({ id, method: "tools/call", params: { name: "chat", arguments: { prompt: "hi" } } });
  const clientInfo = { name: "test", version: "1" };
  send({ id: 1, method: "initialize", params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo } });
  send({ method: "notifications/initialized" });
  send({ id: 2, method: "tools/list" });
  chat(3);
  await until(() => /"id":3\b/.test(stdout));
  changeConfiguration(llm);
  await logged("config.yaml: added");
  child.stdin?.write("rubbish\n");
  chat(4);
  await until(() => /"id":4\b/.test(stdout));
  child.stdin?.end();
  const whole = await end;
  expect(whole.exitCode).toBe(0);
  const messages = linesOf(whole).map((line) => JSON.parse(line));
  for (const message of messages) {
    expect(message).toMatchObject({ jsonrpc: "2.0" });
    expect("method" in message || "result" in message || "error" in message).toBe(true);
  }
  expect(messages.flatMap(({ id }) => id ?? []).sort()).toEqual([1, 2, 3, 4]);
});

test("run writes one JSON object, or one message a line, to stdout, after success and failure", async () => {
  place = new Workplace();
  await using llm = await provider();
  configure(llm);
  const run = (format: string) => ended(start("run", "--output-format", format, "hi").child, "");
  const refused = await run("json");
  expect(refused.exitCode).toBe(3);
  expect(JSON.parse(refused.stdout)).toMatchObject({ stop_reason: "error", error: { kind: "auth" } });
  const events = await run("stream-json");
  expect(linesOf(events).map(readMessage).at(-1)).toMatchObject({ status: "complete", chunk: { data: "done" } });
  const whole = await run("json");
  expect(JSON.parse(whole.stdout)).toMatchObject({ stop_reason: "end_turn", text: "done" });

  await using refusing = await startLlmServer(() => failure(400));
  configure(refusing);
  const failed = await run("stream-json");
  expect(linesOf(failed).map(readMessage).at(-1)).toMatchObject({ status: "error", chunk: { kind: "bad_request" } });
});
