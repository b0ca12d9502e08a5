import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Message } from "../../src/core/messages.js";
import { type EveryWire, everyWire, png, tallPng, wires } from "../support/every-wire.js";
import { answer, calls } from "../support/strict/index.js";

let host: EveryWire;
beforeAll(async () => {
  host = await everyWire({ talks: 60, variants: { shared_: {} } });
});
afterAll(async () => host[Symbol.asyncDispose]());

const ended = { type: "turn_end", stopReason: "end_turn" };
const tall = { type: "image" as const, data: tallPng, mimeType: "image/png" };

/** Returns which pictures each request of a conversation held. */
const sent = (talk: ReturnType<EveryWire["talk"]>) =>
  talk
    .requests()
    .map(({ text }) => [text.includes(png) && "good", text.includes(tallPng) && "refused"].filter(Boolean));

describe.each(wires.flatMap((wire) => [true, false].map((streaming) => ({ wire, name: wire.name, streaming }))))(
  "over $name, streaming: $streaming",
  ({ wire, streaming }) => {
    test("a tool's picture that the provider refuses becomes a note, and other pictures still go out", async () => {
      const script = [answer(calls("s__tall")), answer(calls("s__snap")), answer("seen"), answer("again")];
      const talk = host.talk(wire, script);
      for (const text of ["look", "sure?"]) expect((await talk.turn(text, { streaming })).at(-1)).toMatchObject(ended);
      expect(sent(talk)).toEqual([[], ["refused"], [], ["good"], ["good"]]);
      expect(talk.requests().at(-1)?.text).toContain("you cannot take it");
      expect(talk.observed().map(({ message }) => message)).toEqual([
        expect.stringMatching(/a picture or sound in the conversation is refused/),
      ]);
    });

    test("of two pictures in one answer's results, both become notes if the refusal names neither", async () => {
      const script = [
        answer(calls("s__snap"), calls("s__tall")),
        answer("seen"),
        answer(calls("s__tall")),
        answer("again"),
      ];
      const talk = host.talk(wire, script);
      for (const text of ["look", "more"]) expect((await talk.turn(text, { streaming })).at(-1)).toMatchObject(ended);
      const left = wire.name === "messages" ? ["good"] : [];
      expect(sent(talk)).toEqual([[], ["good", "refused"], left, left, left]);
    });

    test("a user's picture that is refused fails its turn only, and teaches nothing about pictures of tools", async () => {
      const talk = host.talk(wire, [answer(calls("s__snap")), answer("seen"), answer("again")]);
      await talk.turn("look", { streaming });
      const failed = await talk.turn("and this?", { streaming, content: [tall] });
      expect(failed.at(-1)).toMatchObject({ type: "turn_error", error: { kind: "bad_request" } });
      expect((await talk.turn("go on", { streaming })).at(-1)).toMatchObject(ended);
      expect(sent(talk).at(-1)).toEqual(["good"]);
    });

    test("pictures of earlier turns that this model refuses do not block the conversation", async () => {
      const script = [answer("hello"), answer(calls("s__snap")), answer("seen")];
      const talk = host.talk(wire, script);
      const call = (id: string) => ({ id, name: "s__snap", arguments: "{}" });
      const result = (toolCallId: string, data: string): Message => {
        return { role: "tool", toolCallId, content: [{ ...tall, data }], isError: false };
      };
      const history: Message[] = [
        { role: "user", content: [{ type: "text", text: "look" }, tall] },
        { role: "assistant", content: "", toolCalls: [call("call_1")] },
        result("call_1", tallPng),
        { role: "assistant", content: "", toolCalls: [call("call_2")] },
        result("call_2", png),
        { role: "assistant", content: "done", toolCalls: [] },
      ];
      expect((await talk.turn("hi", { streaming, history })).at(-1)).toMatchObject(ended);
      expect((await talk.turn("look again", { streaming })).at(-1)).toMatchObject(ended);
      const refused = wire.name === "messages" ? [] : [["refused"]];
      const left = wire.name === "messages" ? ["good"] : [];
      expect(sent(talk)).toEqual([["good", "refused"], ...refused, left, left, left]);
    });
  },
);

test.each(wires)(
  "another conversation with the same model leaves the picture out at once, over $name",
  async (wire) => {
    const told = [[], ["refused"], []];
    for (const expected of [told, [[], []]]) {
      const talk = host.talk(wire, [answer(calls("s__tall")), answer("seen")], "shared_");
      expect((await talk.turn("look")).at(-1)).toMatchObject(ended);
      expect(sent(talk)).toEqual(expected);
    }
  },
);
