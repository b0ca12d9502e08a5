import { expect, test } from "@jest/globals";
import type { Completion, ContentPart, Message } from "../../../../src/core/messages.js";
import {
  answer,
  calls,
  loop,
  type StrictMock,
  says,
  startGemini,
  startOpenAi,
  thinks,
} from "../../../support/strict/index.js";
import { clientWith } from "../../client-of.js";
import { geminiClient, geminiConfig, talk, user } from "./gemini-client.js";

type Part = Record<string, unknown>;
const contentsOf = ({ requests }: StrictMock, place = -1) =>
  requests.at(place)?.body.contents as { role: string; parts: Part[] }[];
const signaturesOf = (mock: StrictMock, place = -1) =>
  contentsOf(mock, place).flatMap(({ parts }) => parts.flatMap(({ thoughtSignature }) => thoughtSignature ?? []));
const lastOf = ({ completions }: { completions: Completion[] }) => completions.at(-1);
const sentinel = "skip_thought_signature_validator";

/** Returns the messages as a host reads them from its log. */
const stored = (messages: readonly Message[]) => JSON.parse(JSON.stringify(messages)) as Message[];

test.each([{ streaming: true }, { streaming: false }])(
  "30 hops, each signed, and a second turn: everything comes back, streaming: $streaming",
  async ({ streaming }) => {
    const hop = (n: number) => answer(thinks("hm"), says(`step ${n}`), calls("fs__add", { a: n }));
    await using mock = await startGemini([
      ...loop(30, hop, answer("done")),
      answer(thinks("hm"), calls("fs__add", { a: 1 }), calls("fs__add", { a: 2 })),
      answer("bye"),
    ]);
    await using ends = geminiClient(mock);
    const first = await talk(ends, [user("go")], { streaming });
    expect(first.completions).toHaveLength(31);
    const second = await talk(ends, [...stored(first.messages), user("again")], { streaming });
    expect(lastOf(second)).toMatchObject({ finishReason: "stop", message: { content: "bye" } });
    expect(mock.refusals).toEqual([]);
    expect(mock.hops.flatMap(({ lostReasoning }) => lostReasoning)).toEqual([]);
    // 30 steps, the last text of the first turn, and one step of the second turn.
    expect(new Set(signaturesOf(mock)).size).toBe(32);
    // Each request begins with the whole request before it.
    const texts = mock.requests.map(({ body }) => JSON.stringify(body.contents));
    for (const [place, text] of texts.entries()) {
      const before = texts[place - 1];
      if (before) expect(text.startsWith(before.slice(0, -1))).toBe(true);
    }
  },
);

test("pictures in results, in the model's own way", async () => {
  const picture: ContentPart[] = [{ type: "image", data: "iVBORw0KGgo=", mimeType: "image/png" }];
  for (const model of ["gemini-3.5-pro", "gemini-2.5-flash"]) {
    await using mock = await startGemini([
      answer(calls("fs__add", { a: 1 }), calls("fs__add", { a: 2 })),
      answer("seen"),
    ]);
    await using ends = geminiClient(mock, { model });
    await talk(ends, [user("look")], { result: () => picture });
    expect(mock.refusals).toEqual([]);
    const [one, two, ...beside] = contentsOf(mock).at(-1)?.parts ?? [];
    const isInside = model === "gemini-3.5-pro";
    const within = { functionResponse: { parts: [{ inlineData: { mimeType: "image/png", data: "iVBORw0KGgo=" } }] } };
    if (isInside) expect([one, two]).toMatchObject([within, within]);
    expect(beside).toHaveLength(isInside ? 0 : 2);
  }
});

test("another model of Gemini gets the signatures; with another account it gets the sentinel", async () => {
  const keys = { "key-of-gemini": "a", "key-of-other": "b" };
  await using mock = await startGemini(
    ({ results }) => (results.length > 0 ? answer("4") : answer(thinks("hm"), calls("fs__add", { a: 2 }))),
    { keys },
  );
  const later: string[][] = [];
  await using ends = geminiClient(mock);
  const { messages } = await talk(ends, [user("go")]);
  const [first] = signaturesOf(mock);
  for (const change of [{ model: "gemini-3.5-flash" }, { apiKey: "key-of-other" }, {}]) {
    await using other = geminiClient(mock, change);
    // This request is in the middle of the turn.
    await other.ask({ streaming: true }, { messages: stored(messages).slice(0, 3), tools: [] });
    later.push(signaturesOf(mock) as string[]);
  }
  expect(later).toEqual([[first], [sentinel], [first]]);
  expect(mock.refusals).toEqual([]);
});

test("a model that does not sign its steps may be followed by one that demands signatures", async () => {
  await using mock = await startGemini([answer(calls("fs__add", { a: 2 })), answer("4")]);
  await using before = geminiClient(mock, { model: "gemini-2.5-flash" });
  const { message } = await before.ask({ streaming: true }, { messages: [user("go")], tools: [] });
  const id = message.toolCalls[0]?.id ?? "";
  const result: Message = { role: "tool", toolCallId: id, content: [{ type: "text", text: "4" }], isError: false };
  await using after = geminiClient(mock);
  await after.ask({ streaming: true }, { messages: stored([user("go"), message, result]), tools: [] });
  expect(signaturesOf(mock)).toEqual([sentinel]);
  expect(mock.refusals).toEqual([]);
});

test("a refused signature is left out with all others, once, and the log says so", async () => {
  await using mock = await startGemini([
    answer(thinks("hm"), calls("fs__add", { a: 1 })),
    answer(thinks("hm"), calls("fs__add", { a: 2 })),
    answer("3"),
  ]);
  await using ends = geminiClient(mock);
  const first = await ends.ask({ streaming: true }, { messages: [user("go")], tools: [] });
  const id = first.message.toolCalls[0]?.id ?? "";
  const result: Message = { role: "tool", toolCallId: id, content: [{ type: "text", text: "1" }], isError: false };
  const [said] = stored([first.message]);
  for (const part of said?.role === "assistant" ? (said.kept?.parts ?? []) : [])
    if ("call" in part && part.extra) Object.assign(part.extra, { thoughtSignature: "QUJD" });
  const messages = [user("go"), said as Message, result];
  const { completions } = await talk(ends, messages);
  expect(lastOf({ completions })).toMatchObject({ message: { content: "3" } });
  expect(mock.refusals.map(({ message }) => message)).toEqual(["Corrupted thought signature."]);
  expect(ends.observed.filter(({ level }) => level === "warn")).toMatchObject([
    {
      message:
        "gemini: the signed reasoning and the ids of earlier answers are refused; leaving them out of this conversation from now on",
    },
  ]);
  // Refused signatures are not sent again; newer ones are.
  expect(signaturesOf(mock)).toEqual([sentinel, expect.stringMatching(/^CiQB/)]);
});

test("a fallback by another wire gets no signature, and Gemini gets its own back", async () => {
  await using chat = await startOpenAi(({ results }) => answer(`by chat: ${results.join()}`));
  await using mock = await startGemini([answer(thinks("hm"), calls("fs__add", { a: 2 })), answer("by gemini")]);
  const providers = { openai: { baseUrl: chat.url, model: "gpt-4.1", apiKey: "key-of-openai" } };
  await using ends = clientWith(geminiConfig(mock, {}, { providers, fallback: ["openai"] }));
  const first = await ends.ask({ streaming: true }, { messages: [user("go")], tools: [] });
  const id = first.message.toolCalls[0]?.id ?? "";
  const result: Message = { role: "tool", toolCallId: id, content: [{ type: "text", text: "4" }], isError: false };
  const messages = stored([user("go"), first.message, result]);
  const other = await ends.ask({ streaming: true }, { messages, tools: [], model: "openai/gpt-4.1" });
  expect(other).toMatchObject({ provider: "openai", message: { content: "by chat: 4" } });
  expect(chat.refusals).toEqual([]);
  expect(JSON.stringify(chat.requests.at(-1)?.body)).not.toMatch(/CiQB|signature/i);
  // In the middle of the same turn, the conversation returns to Gemini after a step of the other provider.
  const call = { id: "call_1", name: "fs__add", arguments: "{}" };
  const between: Message[] = [
    { role: "assistant", content: "", toolCalls: [call] },
    { ...result, toolCallId: "call_1" },
  ];
  await ends.ask({ streaming: true }, { messages: [...messages, ...between], tools: [] });
  expect(mock.refusals).toEqual([]);
  expect(signaturesOf(mock)).toEqual([expect.stringMatching(/^CiQB/), sentinel]);
});

test("a provider that is down is replaced within the turn, and its successor gets the form that it demands", async () => {
  await using chat = await startOpenAi([answer("by chat")]);
  await using down = await startGemini([{ fails: "forbidden" }]);
  const providers = { openai: { baseUrl: chat.url, model: "gpt-4.1", apiKey: "key-of-openai" } };
  await using ends = clientWith(geminiConfig(down, {}, { providers, fallback: ["openai"] }));
  const { provider } = await ends.ask({ streaming: true }, { messages: [user("go")], tools: [] });
  expect(provider).toBe("openai");
});
