import { PassThrough } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import picocolors from "picocolors";
import { runStdio } from "../../src/doors/lines/stdio.js";
import { limitText } from "../../src/doors/shared/limit-text.js";
import { runRepl } from "../../src/doors/terminal/repl.js";
import type { App } from "../../src/index.js";
import { fixtureServer, startApp } from "../support/app.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";
import { doorParts, interrupts, Sink } from "./support.js";

const echo = (n: number) => toolCalls([{ name: "s__echo", arguments: { n } }]);

function appWith(llm: { url: string }, limits: object): Promise<App> {
  const chat = { limits, service: { approval: "auto" }, storage: { driver: "memory" } };
  return startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: { chat } });
}

describe("a limit in the terminal", () => {
  function open(app: App, color = false) {
    const keys = new PassThrough();
    const screen = new Sink(200);
    const { onInterrupt } = interrupts();
    const terminal = { input: keys, output: screen, isTty: true, colors: picocolors.createColors(color), onInterrupt };
    const options = { toolNotifications: false, notices: [], streaming: true };
    return { keys, screen, exitCode: runRepl(doorParts(app), options, terminal) };
  }

  test("is raised by the same amount after a yes; after a no, the model answers with what it has", async () => {
    await using llm = await startLlmServer([echo(1), echo(2), answer("so far")]);
    await using app = await appWith(llm, { turn: { hops: 1 } });
    const { keys, screen, exitCode } = open(app);
    await screen.until("> ");
    keys.write("go\r");
    await screen.until("this turn has made 1 of 1 requests to the model");
    await screen.until("continue up to the same amount again? y/n: ");
    keys.write("y\r");
    await screen.until("this turn has made 2 of 2 requests to the model");
    await screen.until("y/n: ");
    keys.write("n\r");
    await screen.until("so far");
    await screen.until("the turn was stopped: this turn has made 2 of 2 requests to the model (chat.limits.turn.hops)");
    await screen.until("> ");
    keys.write("\u0004");
    expect(await exitCode).toBe(0);
    expect(llm.requests.map(({ body }) => body.tool_choice)).toEqual([undefined, undefined, "none"]);
  });

  test("has the usage of the turn below it; an unknown cost does not count as 0", async () => {
    await using llm = await startLlmServer([answer("hello")]);
    await using app = await appWith(llm, {});
    const { keys, screen, exitCode } = open(app, true);
    await screen.until("> ");
    keys.write("hi\r");
    await screen.until("10 tokens in, 5 out, cost unknown");
    await screen.until("> ");
    keys.write("\u0004");
    expect(await exitCode).toBe(0);
  });
});

test("over JSON lines the question about a limit is a chunk and its answer a message", async () => {
  await using llm = await startLlmServer([echo(1), echo(2), answer("done")]);
  await using app = await appWith(llm, { conversation: { calls: 1 } });
  const stdin = new PassThrough();
  const stdout = new Sink();
  const exitCode = runStdio(doorParts(app), { stdin, stdout, onInterrupt: interrupts().onInterrupt });
  const messages = () =>
    stdout.text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  stdin.write(`${JSON.stringify({ action: "chat", request_id: "r", payload: { text: "go" } })}\n`);
  await stdout.until('"type":"question"');
  await stdout.until("\n");
  const question = messages().find(({ chunk }) => chunk.type === "question").chunk.data;
  expect(question).toEqual({
    question_id: expect.any(String),
    kind: "limit",
    limit: "calls",
    scope: "conversation",
    used: 1,
    allowed: 1,
    needed: 1,
  });
  const payload = { question_id: question.question_id, value: { allow: true } };
  stdin.write(`${JSON.stringify({ action: "answer", request_id: "r", payload })}\n`);
  await stdout.until('"type":"turn_end"');
  stdin.end();
  expect(await exitCode).toBe(0);
  expect(messages().at(-1)).toMatchObject({ chunk: { data: "done", metadata: { stop_reason: "end_turn" } } });
});

test.each([
  [
    { limit: "tokens", scope: "day", used: 900, allowed: 1000, needed: 200, estimated: true },
    "the turns of today have used about 900 of 1,000 tokens, and the next step needs about 200 tokens",
  ],
  [
    { limit: "usd", scope: "turn", used: 0.00004, allowed: 0.5, unpriced: 2 },
    "this turn has cost less than $0.0001 of $0.5000, and 2 more requests of unknown price",
  ],
  [{ limit: "time", scope: "turn", used: 61_500, allowed: 60_000 }, "this turn has run for 1 min 2 s of 1 min 0 s"],
  [{ limit: "loop", scope: "turn", used: 5, allowed: 5 }, "the model has made the same call 5 times in a row"],
] as const)("the sentence about %j", (question, text) => {
  expect(limitText({ kind: "limit", ...question })).toContain(text);
});
