import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  allVendors,
  type EveryWire,
  eventsOf,
  everyWire,
  jpeg,
  png,
  shown,
  svg,
  type TriedWire,
  wires,
} from "../support/every-wire.js";
import { answer, calls, type End, ending, loop, says, thinks } from "../support/strict/index.js";

let host: EveryWire;
beforeAll(async () => {
  host = await everyWire();
});
afterAll(async () => host[Symbol.asyncDispose]());

const end = (stopReason: string) => ({ type: "turn_end", stopReason });

test.each(wires)("an answer is the same streamed and whole, over $name", async (wire) => {
  const step = answer(thinks("Grüße 🌍"), says("An answer, in several pieces."));
  const talk = host.talk(wire, [step, step]);
  for (const [index, streaming] of [true, false].entries()) {
    const events = await talk.turn("hi", { streaming });
    const [said] = eventsOf(events, "assistant_message");
    const hop = talk.hops()[index];
    expect(events.at(-1)).toMatchObject(end("end_turn"));
    expect(said).toMatchObject({
      message: { content: "An answer, in several pieces.", toolCalls: [] },
      finishReason: "stop",
      usage: { inputTokens: hop?.input, outputTokens: hop?.output, reasoningTokens: hop?.reasoning },
    });
    const reasoning = said?.message.reasoning ?? "";
    expect(reasoning).toBe(wire.name === "chat" ? "" : "Grüße 🌍");
    expect(shown(events)).toEqual(streaming ? { text: said?.message.content, reasoning } : { text: "", reasoning: "" });
  }
  talk.expectTaken();
});

test.each(wires)("a call, and four at once, come back with their results in order, over $name", async (wire) => {
  for (const count of [1, 4])
    for (const streaming of [true, false]) {
      const asked = Array.from({ length: count }, (_, n) => calls("s__echo", { n, 北: "京" }));
      const talk = host.talk(wire, [
        answer(thinks("hm"), says("I look."), ...asked),
        ({ results }) => answer(results.join(" ")),
      ]);
      const events = await talk.turn("look", { streaming });
      const texts = asked.map((_, n) => `{"n":${n},"北":"京"}`);
      const [first, last] = eventsOf(events, "assistant_message");
      expect(first).toMatchObject({ finishReason: "tool_calls", message: { content: "I look." } });
      expect(first?.message.toolCalls.map((call) => call.arguments)).toEqual(texts);
      expect(last?.message.content).toBe(texts.join(" "));
      talk.expectTaken();
    }
});

/** Five hops on the other wires, because native-wires.slow.test.ts tests 30 of them there. */
test.each(allVendors)("a long loop and two more turns send all reasoning back, over $name", async (wire) => {
  const hops = wire.name === "chat" ? 30 : 5;
  const hop = (n: number) => answer(thinks(`step ${n}`), says(`word ${n}`), calls("s__echo", { n }));
  const talk = host.talk(wire, [
    ...loop(hops, hop, answer(thinks("so"), "done")),
    ...loop(1, hop, answer("two")),
    answer("three"),
  ]);
  for (const streaming of [true, false, true])
    expect((await talk.turn("go", { streaming })).at(-1)).toMatchObject(end("end_turn"));
  expect(talk.hops()).toHaveLength(hops + 4);
  expect(talk.mock.bill({ input: 1, output: 1 }, talk.hops()).prefixBroken).toEqual([]);
  talk.expectTaken();
});

test.each(wires)("pictures in results, also of a tool that failed, are taken over $name", async (wire) => {
  const talk = host.talk(wire, [
    answer(thinks("hm"), calls("s__snap"), calls("s__fail"), calls("s__echo", { n: 1 })),
    answer("seen"),
    answer("again"),
  ]);
  await talk.turn("look");
  expect((await talk.turn("sure?")).at(-1)).toMatchObject(end("end_turn"));
  for (const { text } of talk.requests().slice(1)) expect(text.split(png)).toHaveLength(3);
  expect(talk.requests()[2]?.text).toContain("here:");
  expect(talk.requests()[2]?.text).toContain("broken");
  talk.expectTaken();
});

test.each(wires)(
  "a picture goes out with its real type, and one that no vendor accepts as a note, over $name",
  async (wire) => {
    const talk = host.talk(wire, [answer(calls("s__odd")), answer("seen"), answer("again")]);
    await talk.turn("look");
    expect((await talk.turn("sure?")).at(-1)).toMatchObject(end("end_turn"));
    for (const { text } of talk.requests().slice(1)) {
      expect(text).toContain(jpeg);
      expect(text).toContain("image/jpeg");
      expect(text).not.toContain(svg);
      expect(text).toContain("[image image/svg+xml");
    }
    talk.expectTaken();
  },
);

/** Ends of incomplete answers. The conversation continues without the reasoning of such an answer. */
describe.each(wires)("over $name", (wire) => {
  test.each<[End, string, string]>([
    ["refusal", "content_filter", "refusal"],
    ["content_filter", "content_filter", "refusal"],
    ["length", "length", "max_tokens"],
    ["context_window", "length", "max_tokens"],
  ])(
    "an answer that ends by %s says so, keeps its words, and another turn follows",
    async (why, finishReason, stopReason) => {
      for (const streaming of [true, false]) {
        const talk = host.talk(wire, [ending(why, thinks("hm"), says("As far as I")), answer("Yes.")]);
        const events = await talk.turn("go", { streaming });
        expect(events.at(-1)).toMatchObject(end(stopReason));
        expect(eventsOf(events, "assistant_message")).toMatchObject([
          { finishReason, message: { content: "As far as I", toolCalls: [] } },
        ]);
        if (finishReason === "content_filter") expect(JSON.stringify(events)).not.toContain('"kept"');
        if (streaming) expect(shown(events).text).toBe("As far as I");
        expect((await talk.turn("and?")).at(-1)).toMatchObject(end("end_turn"));
        talk.expectTaken({ isLost: finishReason === "content_filter" });
      }
    },
  );

  test.each(["within its arguments", "before its arguments"])(
    "the last call of an answer that the limit cut %s is not run, and the model is told",
    async (where) => {
      // Gemini sends a call whole or not at all.
      const args = where === "before its arguments" ? "" : wire.name === "gemini" ? '{"n":1}' : '{"n":1';
      for (const streaming of [true, false]) {
        const cut = ending("length", thinks("hm"), calls("s__echo", { n: 0 }), calls("s__echo", args));
        const talk = host.talk(wire, [cut, ({ results }) => answer(results.join("|")), answer("Yes.")]);
        const events = await talk.turn("go", { streaming });
        expect(eventsOf(events, "assistant_message")[0]?.message.kept).toBeUndefined();
        expect(eventsOf(events, "tool_sent")).toHaveLength(1);
        expect(eventsOf(events, "assistant_message").at(-1)?.message.content).toMatch(
          /^{"n":0}\|not run: .* token limit/,
        );
        await talk.turn("and?");
        talk.expectTaken({ isLost: true });
      }
    },
  );

  test("what was called in an answer that was filtered is not run", async () => {
    for (const why of ["content_filter", "refusal"] as const)
      for (const streaming of [true, false]) {
        const talk = host.talk(wire, [ending(why, says("So"), calls("s__echo", "")), answer("Yes.")]);
        const events = await talk.turn("go", { streaming });
        expect(events.at(-1)).toMatchObject(end("refusal"));
        expect(eventsOf(events, "tool_sent")).toEqual([]);
        expect((await talk.turn("and?")).at(-1)).toMatchObject(end("end_turn"));
        talk.expectTaken({ isLost: true });
      }
  });

  test("a prompt that is blocked ends the turn as refused, and another one follows", async () => {
    for (const streaming of [true, false]) {
      const talk = host.talk(wire, [ending("prompt_blocked"), answer("Yes.")]);
      const last = (await talk.turn("go", { streaming })).at(-1);
      expect(last).toMatchObject(wire.name === "responses" ? { error: { kind: "bad_request" } } : end("refusal"));
      expect((await talk.turn("and?")).at(-1)).toMatchObject(end("end_turn"));
      talk.expectTaken();
    }
  });

  test("an answer without a word spoils no later turn", async () => {
    const isAskedAgain = wire.name === "gemini";
    const talk = host.talk(wire, [ending("empty"), ...(isAskedAgain ? [answer("Now.")] : []), answer("Yes.")]);
    await talk.turn("go");
    expect((await talk.turn("and?")).at(-1)).toMatchObject(end("end_turn"));
    talk.expectTaken();
  });

  test("reasoning alone, cut by the limit, spoils no later turn", async () => {
    const talk = host.talk(wire, [ending("length", thinks("and so on")), answer("Yes.")]);
    expect((await talk.turn("go")).at(-1)).toMatchObject(end("max_tokens"));
    expect((await talk.turn("and?")).at(-1)).toMatchObject(end("end_turn"));
    talk.expectTaken();
  });

  test("an answer of a schema is asked for in the wire's own mode, with tools, and once more where it is not of it", async () => {
    const talk = host.talk(wire, [
      answer(thinks("hm"), calls("s__echo", { n: 1 })),
      answer(thinks("so"), '{"title":7}'),
      answer(thinks("oh"), '{"title":"a bug"}'),
      answer('{"title":"another"}'),
    ]);
    const output = { jsonSchema: schema };
    const events = await talk.turn("go", { output });
    expect(events.at(-1)).toMatchObject(end("end_turn"));
    expect(shown(events).text).toBe('{"title":"a bug"}');
    expect((await talk.turn("and?", { output })).at(-1)).toMatchObject(end("end_turn"));
    expect(talk.requests().map(({ body }) => schemaIn(body))).toEqual([schema, schema, schema, schema]);
    // The thought of the second answer is bound to the first answer, which the conversation does not keep.
    talk.expectTaken({ isLost: true });
  });
});

/** Chat Completions joins the messages, because some servers refuse two user messages in a row. */
test.each(wires.filter(({ wire }) => wire !== "chat"))(
  "the message after a turn without a visible answer is appended to the request of that turn, over $name",
  async (wire) => {
    const talk = host.talk(wire, [answer(thinks("hm")), answer("two"), answer("three")]);
    for (const text of ["one?", "two?", "three?"]) await talk.turn(text);
    expect(talk.mock.bill({ input: 1, output: 1 }, talk.hops()).prefixBroken).toEqual([]);
    talk.expectTaken({ isLost: true });
  },
);

test("Gemini before 3 takes a schema without tools only, and is told in words beside them", async () => {
  const [, , gemini] = wires;
  const talk = host.talk(gemini as TriedWire, [answer(calls("s__echo")), answer('{"title":"a bug"}')]);
  const events = await talk.turn("go", { output: { jsonSchema: schema }, model: "gemini/gemini-2.5-flash" });
  expect(events.at(-1)).toMatchObject(end("end_turn"));
  expect(talk.requests().map(({ body }) => schemaIn(body))).toEqual([undefined, undefined]);
  expect(talk.requests()[1]?.text).toContain("JSON Schema");
  talk.expectTaken();
});

const schema = {
  type: "object",
  required: ["title"],
  additionalProperties: false,
  properties: { title: { type: "string" } },
};

interface Body {
  [key: string]: Body | undefined;
}

/** Returns the schema of the answer from the field in which the wire has it. */
function schemaIn(body: object): unknown {
  const { response_format, text, output_config, generationConfig } = body as unknown as Body;
  return (
    response_format?.json_schema?.schema ??
    text?.format?.schema ??
    output_config?.format?.schema ??
    generationConfig?.responseJsonSchema
  );
}
