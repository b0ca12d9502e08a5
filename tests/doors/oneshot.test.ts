import { Writable } from "node:stream";
import { describe, expect, jest, test } from "@jest/globals";
import type { OneshotOptions } from "../../src/doors/oneshot/oneshot.js";
import { runOneshot } from "../../src/doors/oneshot/oneshot.js";
import type { App } from "../../src/index.js";
import { Desk } from "../session/desk.js";
import { fixtureServer, startApp } from "../support/app.js";
import {
  answer,
  chunk,
  failure,
  type LlmServer,
  type Step,
  stall,
  startLlmServer,
  stream,
} from "../support/llm-server.js";
import { doorParts, interrupts, Sink, sayAndCall } from "./support.js";

const ask = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };
const echo = (text = "") => sayAndCall(text, "s__echo", { n: 1 });

function start(app: App, options: Partial<OneshotOptions> = {}) {
  const stdout = new Sink();
  const stderr = new Sink();
  const { onInterrupt, interrupt, listeners } = interrupts();
  const given = { text: "hi", outputFormat: "text" as const, toolNotifications: true, ...options };
  const exitCode = runOneshot(doorParts(app), given, { stdout, stderr, onInterrupt });
  return { exitCode, stdout, stderr, interrupt, listeners };
}

async function run(app: App, options: Partial<OneshotOptions> = {}) {
  const { exitCode, stdout, stderr, listeners } = start(app, options);
  const code = await exitCode;
  expect(listeners.size).toBe(0);
  return { exitCode: code, stdout: stdout.text, stderr: stderr.text };
}

describe("one prompt as text", () => {
  test.each([true, false])("has the answer on stdout and the tools on stderr, streamed: %s", async (streaming) => {
    await using llm = await startLlmServer([echo("Let me see.\n"), answer("It is\n\nso.")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const { exitCode, stdout, stderr } = await run(app, { streaming });
    expect(exitCode).toBe(0);
    expect(stdout).toBe("Let me see.\n\nIt is\n\nso.\n");
    expect(stderr).toMatch(/^> s\.echo \{"n":1\}\n {2}s\.echo ok [\d.]+ m?s\n$/);
  });

  test.each([true, false])("of a schema has that JSON alone on stdout, streamed: %s", async (streaming) => {
    await using llm = await startLlmServer([
      echo("Let me see."),
      answer("{}"),
      answer('{"a":1}'),
      answer("no"),
      answer("no"),
    ]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const output = { jsonSchema: { type: "object", required: ["a"] } };
    expect(await run(app, { streaming, output })).toMatchObject({ exitCode: 0, stdout: '{"a":1}\n' });
    const failed = await run(app, { streaming, output });
    expect(failed).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("expected JSON, got text") });
  });

  test("shows nothing about tools if that is configured", async () => {
    await using llm = await startLlmServer([echo(), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    expect(await run(app, { toolNotifications: false })).toEqual({ exitCode: 0, stdout: "done\n", stderr: "" });
  });

  test.each(["text", "json"] as const)("as %s notes a server that is not there in time", async (outputFormat) => {
    await using llm = await startLlmServer([answer("done")]);
    const silent = { command: process.execPath, args: ["--eval", "process.stdin.resume()"], startup_grace: "1ms" };
    await using app = await startApp({ llm: llm.url, mcpServers: { slow: silent } });
    // The turn does not wait for a server whose tools are known from last time, so the note must not wait for it either.
    jest.spyOn(app.hub, "settled").mockReturnValue(new Promise(() => {}));
    const { exitCode, stderr } = await run(app, { outputFormat, toolNotifications: false });
    expect(exitCode).toBe(0);
    expect(stderr).toBe(
      "server slow is still starting: the answer begins without its tools (raise mcpServers.slow.startup_grace to wait longer)\n",
    );
  });

  test("says on stderr why it failed and what to do", async () => {
    await using llm = await startLlmServer([failure(401, { body: { error: { message: "bad \u001b[31mkey" } } })]);
    await using app = await startApp({ llm: llm.url });
    const { exitCode, stdout, stderr } = await run(app);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
    expect(stderr).toMatch(/^error: .*bad key.*\nhint: .+\n$/);
  });

  test("exits with 4 if its provider stays unreachable", async () => {
    await using llm = await startLlmServer(() => failure(503));
    await using app = await startApp({ llm: llm.url });
    expect(await run(app)).toMatchObject({ exitCode: 4 });
  });

  test("asks nobody if the provider has no key", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const { exitCode, stderr } = await run(app, { model: "openai/m" });
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^error: .*OPENAI_API_KEY/);
  });

  test("says that the limit of tool hops stopped it", async () => {
    await using llm = await startLlmServer([echo(), answer("so far")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const { exitCode, stdout, stderr } = await run(app, { maxToolHops: 1 });
    expect({ exitCode, stdout }).toEqual({ exitCode: 7, stdout: "so far\n" });
    expect(stderr).toContain("--max-tool-hops");
  });

  test("says that the model gave no answer", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "" }, "stop")])]);
    await using app = await startApp({ llm: llm.url });
    const { stdout, stderr } = await run(app);
    expect([stdout, stderr]).toEqual(["", "the model ended without an answer\n"]);
  });

  test("is stopped by its timeout", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "begun" }), stall])]);
    await using app = await startApp({ llm: llm.url });
    const { exitCode, stdout, stderr } = await run(app, { timeoutMs: 800, streaming: true });
    expect({ exitCode, stdout }).toEqual({ exitCode: 7, stdout: "begun\n" });
    expect(stderr).toContain("--timeout");
  });
});

describe("one prompt whose conversation has a turn on another host", () => {
  const stalled = (...more: Step[]) => startLlmServer([stream([chunk({ content: "begun" }), stall]), ...more]);

  /** Starts two hosts on one log. The first one runs a turn of conversation `c`, which does not end by itself. */
  async function hosts(llm: LlmServer, desk: Desk) {
    const [one, two] = [await desk.host(llm), await desk.host(llm)];
    const earlier = await one.sessions.open("c").submit({ requestId: "r1", text: "hi", streaming: true });
    for await (const event of earlier.watch()) if (event.type === "text_delta") break;
    return { two, earlier };
  }
  const stopReasons = async (app: App) =>
    (await app.sessions.open("c").history()).flatMap((event) => (event.type === "turn_end" ? [event.stopReason] : []));

  test("is stopped by its timeout while it waits, and stays stopped", async () => {
    await using llm = await stalled();
    await using desk = await Desk.open();
    const { two, earlier } = await hosts(llm, desk);
    const { exitCode, stdout, stderr } = await run(two, { conversationId: "c", timeoutMs: 50 });
    expect({ exitCode, stdout }).toEqual({ exitCode: 7, stdout: "" });
    expect(stderr).toBe("the turn was stopped at its time limit (--timeout)\n");
    expect(await stopReasons(two)).toEqual(["budget"]);
    expect(earlier.isRunning).toBe(true);
    expect(llm.requests).toHaveLength(1);
  });

  test("is stopped by its timeout also if it waits for that turn itself", async () => {
    await using llm = await stalled();
    await using desk = await Desk.open();
    const { two, earlier } = await hosts(llm, desk);
    const { exitCode, stderr } = await run(two, { conversationId: "c", requestId: "r1", timeoutMs: 50 });
    expect(exitCode).toBe(7);
    expect(stderr).toContain("--timeout");
    await earlier.ended();
    expect(await stopReasons(two)).toEqual(["budget"]);
  });

  test("says what it waits for, and how to continue", async () => {
    await using llm = await stalled(answer("next"));
    await using desk = await Desk.open();
    const { two } = await hosts(llm, desk);
    const waiting = start(two, { conversationId: "c", outputFormat: "json" });
    const note =
      "waiting for an earlier turn of this conversation on another host (see it with mcp-platform sessions show c";
    await waiting.stderr.until("\n");
    expect(waiting.stderr.text).toBe(`${note}; to cancel it, repeat this command with --interrupt)\n`);
    const next = await run(two, { conversationId: "c", requestId: "r3", interrupt: true });
    expect(next).toMatchObject({ exitCode: 0, stdout: "next\n" });
    expect(await waiting.exitCode).toBe(130);
  });
});

test("one prompt that waits for an earlier turn on its own host is stopped by its timeout", async () => {
  await using llm = await startLlmServer([stream([stall])]);
  await using app = await startApp({ llm: llm.url });
  await app.sessions.open("c").submit({ requestId: "r1", text: "hi" });
  await llm.received(1);
  expect(await run(app, { conversationId: "c", timeoutMs: 50 })).toMatchObject({ exitCode: 7 });
});

describe("a tool that needs approval", () => {
  test("is denied where nobody can be asked, and the flags that would allow it are named", async () => {
    await using llm = await startLlmServer([echo(), answer("I may not.")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    const { exitCode, stdout, stderr } = await run(app);
    expect({ exitCode, stdout }).toEqual({ exitCode: 6, stdout: "I may not.\n" });
    expect(stderr).toContain("s.echo error: not run: the user did not allow s__echo");
    expect(stderr).toMatch(/s__echo\. Allow with --allow s__echo, or everything with --yes\n$/);
  });

  test.each([{ allow: ["s__echo"] }, { approval: "auto" as const }])("runs with %j", async (permission) => {
    await using llm = await startLlmServer([echo(), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    expect(await run(app, permission)).toMatchObject({ exitCode: 0, stdout: "done\n" });
  });
});

describe("one prompt as a JSON object", () => {
  test("has the whole turn in it and nothing on stderr", async () => {
    await using llm = await startLlmServer([echo("First. "), answer("42")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const { exitCode, stdout, stderr } = await run(app, { outputFormat: "json", conversationId: "c", requestId: "r" });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout.endsWith("}\n")).toBe(true);
    expect(JSON.parse(stdout)).toEqual({
      conversation_id: "c",
      request_id: "r",
      turn_id: expect.stringMatching(/^turn_/),
      stop_reason: "end_turn",
      text: "First. \n\n42",
      model: "m1",
      provider: "test",
      usage: { input_tokens: 20, output_tokens: 10 },
      tool_calls: [{ id: "call_1", name: "s__echo", arguments: '{"n":1}', is_error: false }],
      attempts: 2,
      duration_ms: 0,
    });
  });

  test("prints a JSON object also when the turn fails", async () => {
    await using llm = await startLlmServer([failure(401)]);
    await using app = await startApp({ llm: llm.url });
    const { exitCode, stdout } = await run(app, { outputFormat: "json" });
    expect(exitCode).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      stop_reason: "error",
      text: "",
      provider: "test",
      tool_calls: [],
      error: { kind: "auth", message: expect.any(String), hint: expect.any(String), retryable: false },
    });
  });

  test("prints a JSON object also when no turn begins", async () => {
    await using llm = await startLlmServer([answer("x")]);
    await using app = await startApp({ llm: llm.url });
    const request = { conversationId: "c", requestId: "r", outputFormat: "json" as const };
    await run(app, request);
    const { exitCode, stdout } = await run(app, { ...request, text: "another" });
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ turn_id: null, error: { kind: "request_mismatch" } });
  });
});

describe("one prompt as a stream of messages", () => {
  const messagesOf = (stdout: string) =>
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));

  test("speaks the protocol", async () => {
    await using llm = await startLlmServer([answer("one two")]);
    await using app = await startApp({ llm: llm.url });
    const { exitCode, stdout } = await run(app, { outputFormat: "stream-json", streaming: true });
    const messages = messagesOf(stdout);
    expect(exitCode).toBe(0);
    expect(messages.map(({ status }) => status)).toEqual(["processing", "chunk", "chunk", "chunk", "complete"]);
    expect(messages.at(-1).chunk).toMatchObject({ type: "turn_end", data: "one two" });
  });

  test("ends with one error when the turn fails or does not begin", async () => {
    await using llm = await startLlmServer([failure(401)]);
    await using app = await startApp({ llm: llm.url });
    const failed = messagesOf((await run(app, { outputFormat: "stream-json" })).stdout);
    expect(failed.map(({ status }) => status)).toEqual(["processing", "error"]);
    const refused = messagesOf((await run(app, { outputFormat: "stream-json", model: "openai/m" })).stdout);
    expect(refused).toMatchObject([{ status: "error", request_id: expect.stringMatching(/^req_/) }]);
  });
});

describe("Ctrl-C", () => {
  test("cancels the turn, and the shown text stays", async () => {
    await using llm = await startLlmServer([stream([chunk({ content: "begun" }), stall])]);
    await using app = await startApp({ llm: llm.url });
    const { exitCode, stdout, stderr, interrupt } = start(app, { streaming: true });
    await stdout.until("begun");
    interrupt();
    expect(await exitCode).toBe(130);
    expect(stdout.text).toBe("begun\n");
    expect(stderr.text).toBe("cancelled\n");
  });

  test("exits at the second time, whatever still hangs", async () => {
    await using llm = await startLlmServer([answer("more than the reader takes")]);
    await using app = await startApp({ llm: llm.url });
    let written = () => {};
    const firstWrite = new Promise<void>((resolve) => {
      written = resolve;
    });
    const stdout = new Writable({ highWaterMark: 1, write: () => written() });
    const { onInterrupt, interrupt } = interrupts();
    const options = { text: "hi", outputFormat: "text" as const, toolNotifications: true, streaming: true };
    const exitCode = runOneshot(doorParts(app), options, { stdout, stderr: new Sink(), onInterrupt });
    await firstWrite;
    interrupt();
    interrupt();
    expect(await exitCode).toBe(130);
  });
});

test("a turn whose output nobody reads any more is cancelled", async () => {
  await using llm = await startLlmServer([stream([chunk({ content: "begun" }), stall])]);
  await using app = await startApp({ llm: llm.url });
  const { exitCode, stdout } = start(app, { streaming: true });
  await stdout.until("begun");
  stdout.destroy();
  expect(await exitCode).toBe(130);
});
