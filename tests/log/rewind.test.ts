import { expect, test } from "@jest/globals";
import type { ChatEvent } from "../../src/core/events.js";
import type { Message } from "../../src/core/messages.js";
import { resumeTurn, toMessages } from "../../src/log/folds/replay.js";
import { withoutRewound } from "../../src/log/folds/rewind.js";
import { stored, turn } from "./support.js";

const whole = (name: string): ChatEvent[] => {
  const { user, answer, end } = turn(name);
  return [user(`ask ${name}`), answer(`say ${name}`), end()];
};
const rewind = (toSeq: number): ChatEvent => ({ type: "rewind", turnId: `rewind_${toSeq}`, toSeq });
const texts = (messages: readonly Message[]) =>
  messages.map(({ content }) =>
    typeof content === "string" ? content : content.map((part) => "text" in part && part.text).join(),
  );

test("turns that began after the event are removed, and later ones stay", () => {
  const log = stored([...whole("a"), ...whole("b"), rewind(3), ...whole("c")]);
  expect(texts(toMessages(log))).toEqual(["ask a", "say a", "ask c", "say c"]);
});

test("a turn that began before it stays whole", () => {
  expect(texts(toMessages(stored([...whole("a"), ...whole("b"), rewind(5)])))).toEqual([
    "ask a",
    "say a",
    "ask b",
    "say b",
  ]);
});

test("a rewind may be repeated, reach beyond an earlier one, and remove every turn", () => {
  const log = stored([...whole("a"), ...whole("b"), rewind(3), ...whole("c"), rewind(3)]);
  expect(texts(toMessages(log))).toEqual(["ask a", "say a"]);
  expect(toMessages(stored([...whole("a"), rewind(0)]))).toEqual([]);
});

test("a failed turn that was taken back and is asked again continues where it stopped, without the other turns", () => {
  const { user, answer, error, end } = turn("b");
  const failed = [...whole("a"), ...whole("x"), user("ask b"), error(), rewind(3)];
  expect(texts(resumeTurn(stored(failed), "b").messages)).toEqual(["ask a", "say a", "ask b"]);
  const again = stored([...failed, answer("say b"), end()]);
  expect(texts(toMessages(again))).toEqual(["ask a", "say a", "ask b", "say b"]);
});

test("the mark of a fork is left out of the messages", () => {
  const fork: ChatEvent = { type: "fork", turnId: "fork_1", origins: ["c"], toSeq: 3 };
  const log = stored([fork, ...whole("a")]);
  expect(texts(toMessages(log))).toEqual(["ask a", "say a"]);
  expect(withoutRewound(log)).toHaveLength(3);
});
