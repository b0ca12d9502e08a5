import { describe, expect, test } from "@jest/globals";
import type { LlmErrorKind } from "../../../src/core/errors.js";
import {
  beforeHeaders,
  chunk,
  type Piece,
  pause,
  type Step,
  stall,
  startLlmServer,
  stream,
} from "../../support/llm-server.js";
import { clientOf } from "../client-of.js";

/**
 * Every time limit has its own error kind, and a message with the limit, its value and the key that raises it. The tests run at the same
 * time, because they mostly wait.
 */

const hello = chunk({ content: "Hello" });
const role = chunk({ role: "assistant", content: "" });
/** Returns pieces that arrive every 20 ms, so that the connection is never silent. */
const dripping = (...pieces: Piece[]) => Array.from({ length: 100 }, () => [...pieces, pause(20)]).flat();
const characters = (text: string) => [...text].flatMap((character) => [character, pause(60)]);
const document = JSON.stringify({ choices: [{ message: { content: "Hello" }, finish_reason: "stop" }] });

interface Case {
  name: string;
  step: Step;
  streaming: boolean;
  kind: LlmErrorKind;
  key: string;
}

const silence = {
  name: "silence before the headers",
  step: beforeHeaders(stall),
  kind: "timeout",
  key: "timeout",
} as const;
const cases: Case[] = [
  { ...silence, streaming: true },
  { ...silence, streaming: false },
  { name: "headers, then silence", step: stream([stall]), streaming: true, kind: "ttft_timeout", key: "ttft_timeout" },
  { name: "headers, then silence", step: stream([stall]), streaming: false, kind: "timeout", key: "timeout" },
  {
    name: "a role, then silence",
    step: stream([role, stall]),
    streaming: true,
    kind: "ttft_timeout",
    key: "ttft_timeout",
  },
  {
    name: "comments only",
    step: stream(dripping(": working\n\n")),
    streaming: true,
    kind: "ttft_timeout",
    key: "ttft_timeout",
  },
  {
    name: "empty chunks only",
    step: stream(dripping(role, "data: ping\n\n")),
    streaming: true,
    kind: "ttft_timeout",
    key: "ttft_timeout",
  },
  {
    name: "a first event that never ends",
    step: stream(dripping("data: {")),
    streaming: true,
    kind: "ttft_timeout",
    key: "ttft_timeout",
  },
  {
    name: "text, then silence",
    step: stream([hello, stall]),
    streaming: true,
    kind: "idle_timeout",
    key: "idle_timeout",
  },
  {
    name: "text, then comments",
    step: stream([hello, ...dripping(": working\n\n")]),
    streaming: true,
    kind: "idle_timeout",
    key: "idle_timeout",
  },
  {
    name: "text, then empty chunks",
    step: stream([hello, ...dripping(role)]),
    streaming: true,
    kind: "idle_timeout",
    key: "idle_timeout",
  },
  {
    name: "text, then an event that never ends",
    step: stream([hello, ...dripping("data: {")]),
    streaming: true,
    kind: "idle_timeout",
    key: "idle_timeout",
  },
  {
    name: "half a document, then silence",
    step: stream([document.slice(0, 20), stall]),
    streaming: false,
    kind: "timeout",
    key: "timeout",
  },
];

const shortLimits = { timeoutMs: 400, ttftTimeoutMs: 400, idleTimeoutMs: 400 };

describe.each(cases)("$name, streaming: $streaming", ({ step, streaming, kind, key }) => {
  test.concurrent(`is a ${kind} of llm.http`, async () => {
    await using server = await startLlmServer([step]);
    await using ends = clientOf(server, { ...shortLimits, maxRetries: 0 });
    const error = await ends.fails({ streaming });
    expect(error).toMatchObject({ kind, retryable: true, provider: "test", model: "m1", attempts: 1 });
    expect(error.message).toContain(`400 ms (llm.http.${key})`);
    expect(error.hint).toContain(`llm.providers.test.${key}`);
    await server.aborted(1);
    await server.idle();
  });
});

test.concurrent.each<[string, boolean, Step]>([
  ["timeout", true, beforeHeaders(stall)],
  ["timeout", false, beforeHeaders(stall)],
  ["ttft_timeout", true, stream([stall])],
  ["idle_timeout", true, stream([hello, stall])],
])("the provider's own %s counts, and the error names it, streaming: %s", async (key, streaming, step) => {
  await using server = await startLlmServer([step]);
  await using ends = clientOf(server, { maxRetries: 0 }, shortLimits);
  const error = await ends.fails({ streaming });
  expect(error.message).toContain(`400 ms (llm.providers.test.${key})`);
});

describe.each([{ streaming: true }, { streaming: false }])(
  "the total time limit, streaming: $streaming",
  ({ streaming }) => {
    test.concurrent.each<[string, Step]>([
      ["silence", beforeHeaders(stall)],
      ["an answer that goes on and on", stream(dripping(hello))],
      ["a document that trickles in", stream(characters(document.padStart(500)))],
    ])("ends %s, and the error names its key", async (_name, step) => {
      await using server = await startLlmServer([step]);
      await using ends = clientOf(server, { totalTimeoutMs: 500 });
      const error = await ends.fails({ streaming });
      expect(error).toMatchObject({ kind: "total_timeout", attempts: 1, retryable: true });
      expect(error.message).toBe("test/m1: no complete answer within 500 ms (llm.http.total_timeout)");
      expect(error.hint).toContain("llm.http.total_timeout");
      await server.idle();
    });
  },
);

describe("a limit does not cut an answer that makes progress", () => {
  const limits = { timeoutMs: 1_000, ttftTimeoutMs: 1_000, idleTimeoutMs: 1_000 };

  test.concurrent("a stream with progress", async () => {
    const words = Array.from({ length: 12 }, (_, index) => [chunk({ content: `${index} ` }), pause(100)]).flat();
    await using server = await startLlmServer([stream([...words, chunk({}, "stop")])]);
    await using ends = clientOf(server, { ...limits, maxRetries: 0 });
    expect((await ends.ask({ streaming: true })).message.content).toBe("0 1 2 3 4 5 6 7 8 9 10 11 ");
  });

  test.concurrent.each(["reasoning_content", "tool_calls"])("a stream whose progress is %s", async (field) => {
    const piece = (index: number) =>
      field === "tool_calls" ? [{ index: 0, id: "a", function: { name: "f", arguments: `${index}` } }] : `${index}`;
    const pieces = Array.from({ length: 12 }, (_, index) => [chunk({ [field]: piece(index % 10) }), pause(100)]).flat();
    await using server = await startLlmServer([stream([...pieces, chunk({}, "stop")])]);
    await using ends = clientOf(server, { ...limits, maxRetries: 0 });
    expect((await ends.ask({ streaming: true })).finishReason).toBe(field === "tool_calls" ? "tool_calls" : "stop");
  });

  test.concurrent("a document that trickles in", async () => {
    await using server = await startLlmServer([stream(characters(document).slice(0, 40).concat(document.slice(20)))]);
    await using ends = clientOf(server, { ...limits, maxRetries: 0 });
    expect((await ends.ask({ streaming: false })).message.content).toBe("Hello");
  });
});

test.concurrent("a limit that ends a request before anything was shown leads to a retry; after that, only if it is configured", async () => {
  await using server = await startLlmServer([
    stream([stall]),
    stream([hello, stall]),
    stream([hello, chunk({}, "stop")]),
  ]);
  await using ends = clientOf(server, { ttftTimeoutMs: 500, idleTimeoutMs: 500 });
  expect(await ends.ask({ streaming: true, streamRecovery: "restart" })).toMatchObject({ attempts: 3 });
});
