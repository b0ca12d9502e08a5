import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ChatEvent } from "../../src/core/events.js";
import type { ContentPart } from "../../src/core/messages.js";
import { historyChunks } from "../../src/doors/protocol/chunks.js";
import { messageBody } from "../../src/web/api/attached-file.js";
import type { StoredMessage } from "../../src/web/api/host-messages.js";
import { ConversationFold } from "../../src/web/chat/fold-conversation.js";
import { call, stored, turn } from "../log/support.js";
import { costMs } from "../support/processor-time.js";
import { runs } from "../support/runs.js";

/** Returns the messages of each event, as the page gets them. */
function messagesOf(events: readonly ChatEvent[]): StoredMessage[][] {
  return stored(events).map((event) => historyChunks(event) as StoredMessage[]);
}

/** Returns the events of a turn with a tool call. Each answer has reasoning and text, so that it is told in three messages. */
function eventsOf(turnId: string): ChatEvent[] {
  const one = turn(turnId);
  const asked = call("call_1");
  const answer = one.answer("text", [asked]);
  return [
    one.user(`question of ${turnId}`),
    { ...answer, message: { ...answer.message, reasoning: "hm" } },
    one.planned(asked),
    one.sent("call_1"),
    one.result("call_1", "42"),
    one.answer("done"),
    one.end(),
  ];
}

test("a conversation that is loaded from its end is the same as one that is loaded from its beginning", () => {
  // Turns that are told event by event, so that a turn may begin before the one before it ends, and rewinds in between.
  const steps = fc.array(
    fc.oneof({ weight: 12, arbitrary: fc.nat(5) }, { weight: 1, arbitrary: fc.constant("rewind") }),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(steps, fc.array(fc.nat(100), { maxLength: 6 }), fc.nat(100), (steps, cuts, toSeq) => {
      const turns = new Map<string, ChatEvent[]>();
      const events = steps.flatMap((step, index): ChatEvent[] => {
        if (step === "rewind") {
          turns.clear(); // nothing is taken back while a turn runs
          return [{ type: "rewind", turnId: `rewind_${index}`, toSeq: Math.min(toSeq, index) }];
        }
        const turnId = `turn_${step}_${steps.slice(0, index).filter((each) => each === "rewind").length}`;
        const rest = turns.get(turnId) ?? eventsOf(turnId);
        turns.set(turnId, rest.slice(1));
        return rest.slice(0, 1);
      });
      const messages = messagesOf(events);
      const whole = new ConversationFold().add(messages.flat());
      const places = [...new Set([0, messages.length, ...cuts.map((cut) => cut % (messages.length + 1))])];
      const ends = places.toSorted((a, b) => b - a);
      const fold = new ConversationFold();
      let conversation = fold.add([]);
      for (const [index, end] of ends.slice(0, -1).entries()) {
        conversation = fold.prepend(messages.slice(ends[index + 1], end).flat());
      }
      expect(conversation).toEqual(whole);
      const onward = new ConversationFold();
      for (const each of messages) conversation = onward.add(each);
      expect(conversation.turns).toEqual(whole.turns);
    }),
    { numRuns: runs(300) },
  );
});

test("a turn has the model that its request names, so that it can be sent again to the same model", () => {
  const { user, end } = turn("t");
  const named = new ConversationFold().add(messagesOf([{ ...user("go"), model: "other" }, end()]).flat());
  const unnamed = new ConversationFold().add(messagesOf([user("go"), end()]).flat());
  expect([...named.turns, ...unnamed.turns].map(({ model }) => model)).toEqual(["other", undefined]);
});

test("a turn in which nothing happened stays the same object, so that it is not drawn again", () => {
  const messages = messagesOf(["a", "b", "c"].flatMap(eventsOf));
  const fold = new ConversationFold();
  const before = fold.add(messages.slice(7).flat());
  const [, again] = fold.add([]).turns;
  expect(again).toBe(before.turns[1]);
  const after = fold.prepend(messages.slice(0, 7).flat());
  expect(after.turns.slice(1)).toEqual(before.turns);
  expect(after.turns[1]).toBe(before.turns[0]);
  expect(before.turns).toHaveLength(2);
});

test("folding costs in proportion to the number of turns, and of events in a turn", () => {
  const turnsOf = (count: number) =>
    messagesOf(Array.from({ length: count }, (_, index) => eventsOf(`turn_${index}`)).flat()).flat();
  const calls = (count: number) =>
    messagesOf([
      turn("t").user("go"),
      ...Array.from({ length: count }, () => eventsOf("t").slice(1, -1)).flat(),
    ]).flat();
  for (const make of [turnsOf, calls]) {
    const [few, many] = [make(1_000), make(10_000)];
    new ConversationFold().add(few); // compiles the code
    const cost = costMs(() => new ConversationFold().add(few));
    expect(costMs(() => new ConversationFold().add(many))).toBeLessThan(30 * cost + 50);
  }
});

test("the files of a message are told apart from its text, and the message can be sent again as it was", () => {
  const content: ContentPart[] = [
    { type: "text", text: "look" },
    { type: "text", text: "[file a [1].md]\n# a" },
    { type: "text", text: "[file b.png]" },
    { type: "image", data: "aGVsbG8h", mimeType: "image/png" },
    { type: "audio", data: "aGVsbG8h", mimeType: "audio/wav" },
    { type: "resource_link", uri: "note:1" },
    { type: "text", text: "[file of nothing]" },
  ];
  const event: ChatEvent = { type: "user_message", turnId: "turn_1", requestId: "r1", content };
  const [shown] = new ConversationFold().add(messagesOf([event]).flat()).turns;
  expect(shown).toMatchObject({
    text: "look\n[file of nothing]",
    files: [
      { kind: "text", name: "a [1].md", bytes: 3, text: "# a" },
      { kind: "image", name: "b.png", bytes: 6 },
      { kind: "audio", name: "Sound" },
      { kind: "link", name: "note:1", uri: "note:1" },
    ],
  });
  expect(shown && messageBody(shown)).toEqual({
    content: [
      { type: "text", text: "look\n[file of nothing]" },
      { type: "text", text: "[file a [1].md]\n# a" },
      { type: "file", name: "b.png", data: "aGVsbG8h", mime_type: "image/png" },
      { type: "file", name: "Sound", data: "aGVsbG8h", mime_type: "audio/wav" },
      { type: "resource_link", uri: "note:1", name: "note:1" },
    ],
  });
  const [only] = new ConversationFold().add(messagesOf([{ ...event, content: content.slice(1, 2) }]).flat()).turns;
  expect(only).toMatchObject({ text: "", files: [{ kind: "text", text: "# a" }] });
});
