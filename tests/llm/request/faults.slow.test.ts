import { describe, expect, test } from "@jest/globals";
import { LlmError } from "../../../src/core/errors.js";
import { type Fault, startFaultProxy } from "../../support/fault-proxy.js";
import { answer, type Step, startLlmServer, toolCalls } from "../../support/llm-server.js";
import { messagesAnswer, messagesCalls } from "../../support/messages-server.js";
import { responsesAnswer, responsesCalls } from "../../support/responses-server.js";
import { clientOf } from "../client-of.js";

const text = "The whole answer — with 北京 and 🌍, in some words.";
const limits = { connectTimeoutMs: 400, timeoutMs: 400, ttftTimeoutMs: 400, idleTimeoutMs: 400 };
const long = { connectTimeoutMs: 10_000, timeoutMs: 10_000, ttftTimeoutMs: 10_000, idleTimeoutMs: 10_000 };
/**
 * Returns short limits only for silence, which ends by a timeout. They leave the connect timeout long, because a busy test process may be
 * slow to connect.
 */
const limitsFor = (name: string) => (name === "silence" ? { ...limits, connectTimeoutMs: 10_000 } : long);

const calls = [{ name: "f", arguments: { city: "北京" } }];

/** For each wire: an answer with the text, and an answer that calls a tool. */
const wires = [
  { wire: "chat" as const, says: answer(text), calling: toolCalls(calls) },
  { wire: "responses" as const, says: responsesAnswer(text), calling: responsesCalls(calls) },
  { wire: "messages" as const, says: messagesAnswer(text), calling: messagesCalls(calls) },
];

interface Case {
  wire: (typeof wires)[number]["wire"];
  says: Step;
  streaming: boolean;
}

/** Returns the byte offsets of an answer at which a fault may happen. */
async function offsetsOf({ wire, says, streaming }: Case): Promise<[string, number][]> {
  await using server = await startLlmServer([says]);
  await using proxy = await startFaultProxy(server.url, []);
  await using ends = clientOf(proxy, {}, { wire });
  await ends.ask({ streaming });
  const bytes = proxy.answers[0] ?? Buffer.alloc(0);
  const body = bytes.indexOf("\r\n\r\n") + 4;
  return [
    ["before the headers", 0],
    ["in the status line", 7],
    ["in the headers", Math.floor(body / 2)],
    ["between headers and body", body],
    ["early in the body", body + 40],
    ["in a letter of several bytes", bytes.indexOf("北京") + 1],
    ["late in the body", Math.floor((body + 3 * bytes.length) / 4)],
    ["before the last bytes", bytes.length - 8],
    ["before the last byte", bytes.length - 1],
  ];
}

const ends: [string, (offset: number) => Fault][] = [
  ["FIN", (offset) => ({ finAfter: offset })],
  ["RST", (offset) => ({ resetAfter: offset })],
  ["silence", (offset) => ({ freezeAfter: offset })],
];

/** Runs all cases at the same time, because most of the time they only wait. */
async function everywhere(of: Case, run: (place: string, offset: number) => Promise<void>): Promise<void> {
  await Promise.all((await offsetsOf(of)).map(([place, offset]) => run(place, offset)));
}

/** Error kinds that describe these faults. Any other outcome but the right answer is a defect. */
const kinds = ["network", "timeout", "ttft_timeout", "idle_timeout", "empty_stream", "stream_interrupted"];

/** Every wire reads whole bodies with the same code, so only one wire tries them. */
const cases = wires.flatMap((wire) =>
  (wire.wire === "chat" ? [true, false] : [true]).map((streaming) => ({ ...wire, streaming })),
);

describe.each(cases)("$wire, streaming: $streaming", ({ calling, ...of }) => {
  const { wire, says, streaming } = of;

  test.each(ends)(
    "%s anywhere, once: the answer is complete in the end, or counts as interrupted",
    async (name, at) => {
      await everywhere(of, async (place, offset) => {
        await using server = await startLlmServer(() => says);
        await using proxy = await startFaultProxy(server.url, [at(offset)]);
        await using ends = clientOf(proxy, limitsFor(name), { wire });
        const outcome = await ends.ask({ streaming }).catch((error: unknown) => error);
        if (outcome instanceof LlmError) {
          expect([place, outcome.kind]).toEqual([place, expect.stringMatching(/^(stream_interrupted|idle_timeout)$/)]);
          expect(streaming).toBe(true);
          expect(ends.shown()).not.toBe("");
          expect(text.startsWith(ends.shown())).toBe(true);
        } else {
          expect(outcome).toMatchObject({ message: { content: text }, finishReason: "stop" });
          expect(ends.shown()).toBe(streaming ? text : "");
        }
        await ends.client.close();
        await proxy.idle();
        await server.idle();
      });
    },
  );

  test.each(ends)("%s anywhere, every time: a typed error with the true count, but no answer", async (name, at) => {
    await everywhere(of, async (place, offset) => {
      await using server = await startLlmServer(() => says);
      await using proxy = await startFaultProxy(server.url, Array<Fault>(3).fill(at(offset)));
      await using ends = clientOf(proxy, { ...limitsFor(name), maxRetries: 2 }, { wire });
      const outcome = await ends.ask({ streaming }).catch((error: unknown) => error);
      if (outcome instanceof LlmError) {
        expect([place, kinds.includes(outcome.kind)]).toEqual([place, true]);
        expect(outcome.attempts).toBe(proxy.connections);
        if (ends.shown() === "") expect(outcome.attempts).toBe(3);
      } else {
        // The fault came after the whole answer: only the end of the HTTP message was missing.
        expect([place, outcome]).toMatchObject([expect.stringMatching(/last byte/), { message: { content: text } }]);
      }
      await ends.client.close();
      await proxy.idle();
      await server.idle();
    });
  });

  test.each([1, 3, 17])("slices of %i byte(s) change nothing", async (sliceBytes) => {
    await using server = await startLlmServer([says, calling]);
    await using proxy = await startFaultProxy(server.url, [{ sliceBytes }]);
    await using ends = clientOf(proxy, {}, { wire });
    expect((await ends.ask({ streaming })).message.content).toBe(text);
    expect((await ends.ask({ streaming })).message.toolCalls[0]?.arguments).toBe('{"city":"北京"}');
    expect(server.requests).toHaveLength(2);
  });

  test("a slow line within the limits changes nothing", async () => {
    await using server = await startLlmServer([says]);
    await using proxy = await startFaultProxy(server.url, [{ latencyMs: 30 }]);
    await using ends = clientOf(proxy, { timeoutMs: 1_000 }, { wire });
    expect(await ends.ask({ streaming })).toMatchObject({ message: { content: text }, attempts: 1 });
  });

  test("a connection that is refused, or leads nowhere, is replaced by another", async () => {
    await using server = await startLlmServer([says]);
    await using proxy = await startFaultProxy(server.url, [{ connect: "refuse" }, { connect: "black hole" }]);
    await using ends = clientOf(proxy, limits, { wire });
    expect(await ends.ask({ streaming })).toMatchObject({ message: { content: text }, attempts: 3 });
    expect(proxy.aborts).toBe(1);
  });

  test("a cancel reaches the server at any point of the answer", async () => {
    await everywhere(of, async (place, offset) => {
      if (place.includes("last byte")) return;
      await using server = await startLlmServer(() => says);
      await using proxy = await startFaultProxy(server.url, [{ freezeAfter: offset }]);
      await using ends = clientOf(proxy, {}, { wire });
      const controller = new AbortController();
      const failed = ends.fails({ streaming, signal: controller.signal });
      await server.received(1);
      while ((proxy.answers[0]?.length ?? 0) < offset) await new Promise(setImmediate);
      controller.abort();
      expect((await failed).kind).toBe("aborted");
      await proxy.idle();
    });
  });
});
