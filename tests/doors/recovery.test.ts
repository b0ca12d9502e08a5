import { PassThrough } from "node:stream";
import { expect, test } from "@jest/globals";
import picocolors from "picocolors";
import { runStdio } from "../../src/doors/lines/stdio.js";
import { type OneshotOptions, runOneshot } from "../../src/doors/oneshot/oneshot.js";
import { runRepl } from "../../src/doors/terminal/repl.js";
import { startApp } from "../support/app.js";
import { answer, chunk, cutStream, startLlmServer, stream } from "../support/llm-server.js";
import { doorParts, interrupts, Sink } from "./support.js";

/** Answers of the model: one that breaks off after a word and a half, then the whole one. */
const script = () => [stream([chunk({ content: "One tw" }), cutStream]), answer("One two.")];
const { onInterrupt } = interrupts();

async function once(outputFormat: OneshotOptions["outputFormat"], { isTTY = false, script: steps = script() } = {}) {
  await using llm = await startLlmServer(steps);
  await using app = await startApp({ llm: llm.url });
  const stdout = Object.assign(new Sink(), { isTTY });
  const stderr = new Sink();
  const options = { text: "hi", outputFormat, toolNotifications: true, streaming: true };
  const exitCode = await runOneshot(doorParts(app), options, { stdout, stderr, onInterrupt });
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}

const note = "the answer starts again: the connection broke: aborted\n";

test("plain text for a program is never printed twice: the turn fails after the beginning", async () => {
  const { exitCode, stdout, stderr } = await once("text", { script: script().slice(0, 1) });
  expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: "One tw\n" });
  expect(stderr).toContain("error: test/m1: the answer broke off after its beginning: the connection broke: aborted");
});

test("plain text for a person says that it starts again", async () => {
  expect(await once("text", { isTTY: true })).toEqual({ exitCode: 0, stdout: "One tw\n\nOne two.\n", stderr: note });
});

test("a JSON object holds only the whole answer, and the true count of requests", async () => {
  const { exitCode, stdout } = await once("json");
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ text: "One two.", attempts: 2, stop_reason: "end_turn" });
});

test("a line of JSON voids the lines before it", async () => {
  const { exitCode, stdout } = await once("stream-json");
  const lines = stdout.trimEnd().split("\n");
  const chunks = lines.map((line) => JSON.parse(line).chunk as { type?: string; data?: unknown });
  expect(exitCode).toBe(0);
  expect(chunks.slice(1).map(({ type, data }) => (type === "usage" ? [type] : [type, data]))).toEqual([
    ["text", "One tw"],
    ["discard", { reason: "the connection broke: aborted" }],
    ["text", "One"],
    ["text", " two."],
    ["usage"],
    ["turn_end", "One two."],
  ]);
});

test("on the pipe a message voids the messages before it", async () => {
  await using llm = await startLlmServer(script());
  await using app = await startApp({ llm: llm.url });
  const stdin = new PassThrough();
  const stdout = new Sink();
  const exitCode = runStdio(doorParts(app), { stdin, stdout, onInterrupt });
  stdin.end(`${JSON.stringify({ action: "chat", request_id: "r", payload: { text: "hi", streaming: true } })}\n`);
  expect(await exitCode).toBe(0);
  const chunks = stdout.text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).chunk as { type?: string });
  expect(chunks.map(({ type }) => type)).toEqual([undefined, "text", "discard", "text", "text", "usage", "turn_end"]);
  expect(chunks.at(-1)).toMatchObject({ data: "One two." });
});

test.each([false, true])("in the chat a note comes between the two, in colour: %s", async (color) => {
  await using llm = await startLlmServer(script());
  await using app = await startApp({ llm: llm.url });
  const input = new PassThrough();
  const output = new Sink(80);
  const colors = picocolors.createColors(color);
  const options = { toolNotifications: true, notices: [], streaming: true };
  const exitCode = runRepl(doorParts(app), options, { input, output, isTty: true, colors, onInterrupt });
  await output.until("> ");
  input.write("hi\r");
  await output.until(/One tw\n(?:[^\n]*\[J)?\n/); // in colour, a spinner may have been drawn and erased on the line between
  await output.until(note.trimEnd());
  await output.until("One two.\n");
  await output.until("> ");
  input.write("\u0004");
  expect(await exitCode).toBe(0);
});
