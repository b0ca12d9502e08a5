import { expect, test } from "@jest/globals";
import type { TurnEvent } from "../../src/core/events.js";
import { TextView } from "../../src/doors/oneshot/views.js";
import { Output } from "../../src/doors/shared/output.js";
import { startHub } from "../support/mcp-hub.js";
import { Sink } from "./support.js";

const delta = (text: string): TurnEvent => ({ type: "text_delta", delta: text });
const message = (content: string): TurnEvent => ({
  type: "assistant_message",
  turnId: "t1",
  seq: 1,
  at: 0,
  message: { role: "assistant", content, toolCalls: [] },
  finishReason: "stop",
  provider: "p",
  model: "m",
  attempts: 1,
});

async function printed(events: TurnEvent[], inertText = false) {
  const stdout = new Sink();
  const stderr = new Sink();
  await using running = startHub();
  const target = { stdout: new Output(stdout), stderr: new Output(stderr), toolNotifications: true, inertText };
  const view = new TextView(running.hub, { ...target, noteWidth: 80 });
  for (const event of events) await view.show(event);
  await view.end({ text: "an answer", toolCalls: [], attempts: 1, stopReason: "end_turn" });
  return { stdout: stdout.text, stderr: stderr.text };
}

test.each([
  ["no line ends", ["a", "b"], "a\n\nb\n"],
  ["line ends before and after", ["a\n", "\n\nb\n"], "a\n\nb\n"],
  ["too many after", ["a\n\n", "b"], "a\n\nb\n"],
  ["nothing to say first", ["", "b"], "b\n"],
  ["nothing to say last", ["a", "\n"], "a\n"],
  ["nothing to say at all", ["", ""], ""],
])("texts of two hops have a blank line between them with %s", async (_name, texts, stdout) => {
  expect((await printed(texts.map(message))).stdout).toBe(stdout);
  const streamed = texts.flatMap((text) => [...[...text].map(delta), message(text)]);
  expect((await printed(streamed)).stdout).toBe(stdout);
});

test("an answer that starts again says so, because printed text cannot be taken back", async () => {
  const events = [
    delta("Hel"),
    { type: "discard", reason: "the stream broke" } as const,
    delta("Hello"),
    message("Hello"),
  ];
  expect(await printed(events)).toEqual({
    stdout: "Hel\n\nHello\n",
    stderr: "the answer starts again: the stream broke\n",
  });
});

test("a file gets the model's text byte for byte, a terminal gets nothing that could move its cursor", async () => {
  const text = "a\u001b[2Jb\u0000\r\n";
  expect((await printed([message(text)])).stdout).toBe(text);
  expect((await printed([message(text)], true)).stdout).toBe("ab\n");
});

test("stderr says when a server is lost and comes back, but not when servers get ready at the start", async () => {
  const status = (state: "starting" | "ready" | "failed", reason?: string): TurnEvent => ({
    type: "server_status",
    server: "fs",
    state,
    reason,
  });
  const reason = "the connection was lost: it was killed; it is being restarted";
  const news = [status("starting"), status("ready"), status("starting", reason), status("ready"), status("ready")];
  expect((await printed(news)).stderr).toBe(`server fs: ${reason}\nserver fs: ready again\n`);
  // A warning in the log already says so.
  expect((await printed([status("starting", reason), status("failed", "gone")])).stderr).toBe(`server fs: ${reason}\n`);
});

test("a call after a text that reverses its reading order is shown in its own order", async () => {
  const together = new Sink();
  await using running = startHub();
  const out = new Output(together);
  const target = { stdout: out, stderr: out, toolNotifications: true, inertText: true, noteWidth: 80 };
  const view = new TextView(running.hub, target);
  for (const event of [delta("before \u202e"), message("before \u202e")]) await view.show(event);
  await view.show({ type: "discard", reason: "the stream broke" });
  expect(together.text).toBe("before \u202e\u202cthe answer starts again: the stream broke\n");
});
