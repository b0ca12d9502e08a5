import { beforeAll, describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import type { Delta } from "../../../src/core/messages.js";
import { MessageReader } from "../../../src/llm/answer/message-reader.js";
import { wireOf } from "../../../src/llm/wires/all-wires.js";
import type { Target, TextPosition } from "../../../src/llm/wires/wire.js";
import { anyText } from "../../support/any-text.js";
import { wires } from "../../support/every-wire.js";
import { runs } from "../../support/runs.js";
import { answer, calls, says, thinks } from "../../support/strict/index.js";
import { rawClient } from "../strict/raw-client.js";

type Name = (typeof wires)[number]["wire"];
type Event = Record<string, unknown>;

const item = { id: "m1", type: "message", role: "assistant", content: [] };
/** For each wire: an event with a word, the events that begin an answer, and other events that come between words. */
const vocabularies: Record<Name, { word: (word: string, number: number) => Event; begin: Event[]; others: Event[] }> = {
  chat: {
    word: (content) => ({ id: "c1", choices: [{ index: 0, delta: { content }, finish_reason: null }] }),
    begin: [],
    others: [
      { choices: [{ delta: { reasoning: "r" } }] },
      { choices: [{ delta: { content: "a", reasoning: "r" } }] },
      { choices: [{ delta: { content: "a" }, finish_reason: "stop" }] },
      { choices: [{ delta: { content: "<think>" } }] },
      { choices: [{ delta: { content: "a" } }], usage: { prompt_tokens: 1, completion_tokens: 2 } },
      { choices: [{ delta: { tool_calls: [{ index: 0, id: "1", function: { name: "a", arguments: "" } }] } }] },
    ],
  },
  responses: {
    word: (delta, sequence_number) => ({
      type: "response.output_text.delta",
      sequence_number,
      item_id: "m1",
      output_index: 0,
      content_index: 0,
      delta,
      logprobs: [],
    }),
    begin: [{ type: "response.output_item.added", sequence_number: 1, output_index: 0, item }],
    others: [
      { type: "response.output_item.added", item: { type: "function_call", call_id: "c", name: "f" } },
      { type: "response.output_text.delta", sequence_number: 5, output_index: 1, content_index: 0, delta: "b" },
      { type: "response.output_text.delta", item_id: "m1", content_index: 1, delta: "b", sequence_number: 7 },
      { type: "response.output_text.delta", item_id: "m1", arguments: "x", delta: "b" },
      { type: "response.reasoning_text.delta", item_id: "r1", content_index: 0, delta: "hm" },
      { type: "response.function_call_arguments.delta", item_id: "f1", delta: '{"a":' },
      { type: "response.output_item.done", item: { ...item, content: [{ type: "output_text", text: "ab" }] } },
    ],
  },
  messages: {
    word: (text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
    begin: [{ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }],
    others: [
      { type: "ping" },
      { type: "content_block_start", content_block: { type: "thinking", thinking: "hm" } },
      { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "b" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "b", citation: { title: "t" } } },
      { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "hm" } },
      { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } },
    ],
  },
  gemini: {
    word: (text) => ({
      candidates: [{ content: { parts: [{ text }], role: "model" }, index: 0 }],
      usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5 },
    }),
    begin: [],
    others: [
      { candidates: [{ content: { parts: [{ text: "b", thought: true }] } }] },
      { candidates: [{ content: { parts: [{ text: "b", thoughtSignature: "s" }] } }] },
      { candidates: [{ content: { parts: [{ text: "b" }, { text: "c" }] } }] },
      { candidates: [{ content: { parts: [{ text: "b" }] }, finishReason: "STOP" }] },
      { candidates: [{ content: { parts: [{ text: "b" }] } }], usageMetadata: { promptTokenCount: 11 } },
      { candidates: [{ content: { parts: [{ functionCall: { name: "f", args: {} } }] } }] },
    ],
  },
};

const user = { role: "user", content: "hi" };
const bodies: Record<Name, object> = {
  chat: { model: "gpt-5.1", messages: [user] },
  responses: { model: "gpt-5.6-sol", input: "hi", reasoning: { summary: "auto" } },
  messages: { model: "claude-opus-5", max_tokens: 100, messages: [user], thinking: { type: "adaptive" } },
  gemini: {
    contents: [{ role: "user", parts: [{ text: "hi" }] }],
    generationConfig: { thinkingConfig: { includeThoughts: true } },
  },
};

const keys = ["content", "delta", "text", "sequence_number"];
const word = fc.oneof(
  { weight: 3, arbitrary: fc.string({ maxLength: 14 }) },
  anyText({ maxLength: 4 }),
  // Repeated often, because an event may have the same text twice.
  { weight: 3, arbitrary: fc.constant("a") },
  fc.nat().map(String),
  fc.constantFrom(
    ...keys,
    "\ud83d",
    "🌍",
    "\u2028",
    "\\",
    '"',
    "\r\n\r\n",
    "data: {}\n\n",
    "a word that is rather long",
  ),
  fc.nat().map((number) => `"sequence_number":${number},`),
  fc.nat().map((number) => `\\","sequence_number":${number},"delta":"`),
);

/** Changes that servers and attackers make to the text of an event. They are made to several events in a row, so that these are alike. */
const key = /"(content|delta|text)":(?=")/;
const changes: ((text: string) => string)[] = [
  (text) => text.replaceAll(":", " : "),
  (text) => text.replace(key, '"$1":"a","$1":'),
  (text) => text.replace(/"(content|delta|text)":".*?"/, '$&,"$1":"a"'),
  (text) => text.replace(key, '"$1":null,"$1":'),
  (text) => text.replace(key, '"\\u0$1":"a","$1":'),
  (text) => text.replace(/"(conten|delt|tex)([ta])":(?=")/, (_, head, tail) => `"${head}\\u00${code(tail)}":`),
  (text) =>
    text.replace(/"(conten|delt|tex)([ta])":(".*?")/, (all, head, tail) => `${all},"${head}\\u00${code(tail)}":"a"`),
  (text) => text.replace(key, '"x\\"$1":"other","$1":'),
  (text) => text.replace(/\{/, '{"content":"a",'),
  (text) => text.replace(/\{/, '{"more":{"delta":"a","text":"b","content":"c"},'),
  (text) => text.replace(/\{/, '{"sequence_number":1.5e3,"more":{"sequence_number":2},'),
  (text) => text.replace(/"sequence_number":(\d+)/, '"sequence_number":"$1"'),
  (text) => JSON.stringify(reversed(JSON.parse(text))),
  (text) => `[${text}]`,
  (text) => text.slice(0, -1),
  (text) => `${text}}`,
];
const code = (letter: string) => letter.charCodeAt(0).toString(16);

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, inner]) => [name, reversed(inner)]),
  );
}

const framings: ((text: string, event: Event) => string)[] = [
  (text) => `data:${text}\n\n`,
  (text) => `data: ${text}\n`,
  (text) => `data: ${text}\r\r`,
  (text) => `data: ${text}\r\n\n`,
  (text) => `: comment "text":"a"\ndata: ${text}\n\n\n`,
  (text, { type }) => `event: ${type}\r\ndata: ${text}\r\n\r\n`,
  (text) => `event: error\ndata: ${text}\n\n`,
  (text) => `data: ${text}\ndata: ping\n\n`,
  (text) => `data: ${text}\ndata: [DONE]\n\n`,
  (text) => `{"a":1}\ndata: ${text}\n\n`,
  (text) => `data: ${text.replaceAll(",", ",\ndata: ")}\n\n`,
  (text) => `id: 7\ndata: ${text}\n\ndata: ping\n\n`,
];
const usual = {
  chat: (text) => `data: ${text}\n\n`,
  responses: (text, { type }) => `event: ${type}\ndata: ${text}\n\n`,
  messages: (text, { type }) => `event: ${type}\ndata: ${text}\n\n`,
  gemini: (text) => `data: ${text}\r\n\r\n`,
} satisfies Record<Name, (typeof framings)[number]>;

/** Lengths of the first pieces in which a stream is read. */
const cuts = fc.array(fc.oneof(fc.nat({ max: 400 }), fc.constantFrom(1, 2, 3)), { maxLength: 12 });

/**
 * Returns what the fold of a stream shows and its result; adjacent deltas of one type are joined. `isParsed`: every event goes through the
 * parser.
 */
function told(name: Name, text: string, lengths: readonly number[], isParsed: boolean): unknown {
  const wire = wireOf(name);
  const shown: Delta[] = [];
  const onDelta = ({ type, delta }: Delta) => {
    const last = shown.at(-1);
    if (last?.type === type) last.delta += delta;
    else shown.push({ type, delta });
  };
  const fold = wire.fold({ onDelta }, { quirks: { thinkTags: true } } as unknown as Target<never>);
  const nowhere: TextPosition = { key: wire.textPosition.key, holder: () => undefined };
  const errors: unknown[] = [];
  const onMessage = (message: Event, event: string | undefined) => {
    const error = wire.errorIn(message, event);
    if (error) errors.push(error);
    return error === undefined && fold.push(message, event);
  };
  const reader = new MessageReader(onMessage, fold, isParsed ? nowhere : wire.textPosition);
  const faults: unknown[] = [];
  let rest = Buffer.from(text);
  for (const length of [...lengths, rest.length]) {
    faults.push(reader.feed(rest.subarray(0, length)));
    rest = rest.subarray(length);
  }
  faults.push(reader.end());
  const { end, progress, failure } = fold;
  const { isDone } = reader;
  const finished = fold.finish(
    () => "id",
    () => false,
  );
  const fault = faults.find((each) => each !== undefined);
  return { shown, errors, fault, isDone, end, failure, hasProgress: progress > 0, finished };
}

describe.each(wires)("over $name", ({ wire: name, start }) => {
  const { word: wordEvent, begin, others } = vocabularies[name];
  const framed = (events: readonly Event[]) =>
    events.map((event) => usual[name](JSON.stringify(event), event)).join("");
  let recorded: string;
  beforeAll(async () => {
    const script = [
      answer(thinks("hm"), says('Wörter "in", 北京🌍, several\npieces'), calls("f", { a: "ü" }), calls("f")),
    ];
    await using mock = await start(script);
    recorded = await rawClient(mock, name).streamText(bodies[name]);
  });

  test("a stream of similar events is hardly parsed", () => {
    const words = Array.from({ length: 1000 }, (_, number) => `word${number} `);
    const text = framed([...begin, ...words.map((each, number) => wordEvent(each, number + 95))]);
    const expected = told(name, text, [], true);
    const parse = jest.spyOn(JSON, "parse");
    try {
      expect(told(name, text, [], false)).toEqual(expected);
      expect(parse.mock.calls.length).toBeLessThan(20);
    } finally {
      parse.mockRestore();
    }
    expect(expected).toMatchObject({ shown: [{ type: "text_delta", delta: words.join("") }] });
  });

  test("a recorded stream, cut anywhere, gives the deltas that a parser of every event gives", () => {
    const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
    fc.assert(
      fc.property(cuts, lineEnd, (lengths, end) => {
        const text = recorded.replaceAll(/\r?\n/g, end);
        expect(told(name, text, lengths, false)).toEqual(told(name, recorded, [], true));
      }),
      { numRuns: runs(100) },
    );
  });

  const ownFramings = [
    ...framings,
    ...others.map((event) => (text: string) => `${JSON.stringify(event)}\ndata: ${text}\n\n`),
  ];

  test("similar events, however they are written, give the deltas that a parser of every event gives", () => {
    for (const change of [(text: string) => text, ...changes]) {
      for (const frame of [usual[name], ...ownFramings]) {
        const events = ["a", "a", "bc", "\\", "d"].map((each, number) => wordEvent(each, number + 8));
        const text = framed(begin) + events.map((event) => frame(change(JSON.stringify(event)), event)).join("");
        expect(told(name, text, [], false)).toEqual(told(name, text, [], true));
      }
    }
  });

  test("an event is not compared with one of which an earlier read brought the beginning", () => {
    const [first, second] = ["a", "b"].map((each, number) => framed([wordEvent(each, number)])) as [string, string];
    for (let cut = 1; cut < first.length; cut++) {
      const text = framed(begin) + first + second.slice(cut) + second.slice(cut);
      const lengths = [framed(begin).length + cut];
      expect(told(name, text, lengths, false)).toEqual(told(name, text, [], true));
    }
  });

  test("an event of another kind between alike words ends the comparison with the event before it", () => {
    for (const other of [...begin, ...others]) {
      for (const more of [[], others]) {
        const [first, second, third] = ["a", "b", "c"].map((each, number) => wordEvent(each, number)) as [
          Event,
          Event,
          Event,
        ];
        const text = framed([...begin, first, second, other, ...more, third, first]);
        for (const at of [0, text.indexOf(JSON.stringify(third))])
          expect(told(name, text, [at], false)).toEqual(told(name, text, [], true));
      }
    }
  });

  test("a stream of any events, cut anywhere, gives the deltas that a parser of every event gives", () => {
    const mostly = <T>(common: T, rare: readonly T[]) =>
      fc.oneof({ weight: 3, arbitrary: fc.constant(common) }, fc.constantFrom(...rare));
    const run = fc.record({
      change: mostly((text: string) => text, changes),
      frame: mostly(usual[name] as (typeof framings)[number], ownFramings),
      words: fc.array(word, { minLength: 1, maxLength: 6 }),
      number: fc.constantFrom(0, 8, 98, 12345),
    });
    const other = fc
      .constantFrom(...others, "[DONE]", "ping", "{")
      .map((event) => (typeof event === "string" ? `data: ${event}\n\n` : usual[name](JSON.stringify(event), event)));
    const lines = fc.oneof(
      {
        weight: 3,
        arbitrary: run.map(({ change, frame, words, number }) =>
          words
            .map((each, index) => wordEvent(each, number + index))
            .map((event) => frame(change(JSON.stringify(event)), event))
            .join(""),
        ),
      },
      other,
    );
    fc.assert(
      fc.property(fc.array(lines, { maxLength: 8 }), cuts, (all, lengths) => {
        const text = framed(begin) + all.join("");
        expect(told(name, text, lengths, false)).toEqual(told(name, text, [], true));
      }),
      { numRuns: runs(500) },
    );
  });
});
