import { expect, test } from "@jest/globals";
import { toolMessage } from "../../../src/core/messages.js";
import { withResultsOfOpenCalls } from "../../../src/doors/http/turns/sent-results.js";
import { call, stored, turn } from "../../log/support.js";

const result = toolMessage(call("c1"), { content: [{ type: "text", text: "42" }], isError: false }, undefined);
const [one, two] = [turn("turn_1"), turn("turn_2")];
const failed = [
  one.user("pay"),
  one.answer("", [call("c1")]),
  one.end(),
  { ...two.user(""), content: [], history: [result] },
  two.error(),
];
const again = [result, { role: "user" as const, content: [{ type: "text" as const, text: "go on" }] }];

test("results whose turn failed may come again with a message", () => {
  expect(withResultsOfOpenCalls(again, { events: stored(failed) })).toEqual({ messages: again.slice(1), continues: 5 });
});

test("results are refused while the turn that failed runs again", () => {
  const events = stored([...failed, two.answer("", [call("c2", "s__echo")]), two.planned(call("c2", "s__echo"))]);
  expect(() => withResultsOfOpenCalls(again, { events })).toThrow(
    expect.objectContaining({ status: 409, code: "busy" }),
  );
});

const called = [one.user("pay"), one.answer("", [call("c1")]), one.end()];
const question = { role: "user" as const, content: [{ type: "text" as const, text: "pay" }] };

test("a question repeated before the results is not asked again; another question, or one after them, is", () => {
  const events = stored(called);
  const sent = (messages: Parameters<typeof withResultsOfOpenCalls>[0]) =>
    withResultsOfOpenCalls(messages, { events }).messages.map(({ role }) => role);
  expect(sent([question, result])).toEqual(["tool"]);
  expect(sent([again[1] ?? question, result])).toEqual(["tool", "user"]);
  expect(sent([result, question])).toEqual(["tool", "user"]);
});

test("results under the id of the call that made their tool calls are refused with that reason", () => {
  const events = stored([{ ...one.user("pay"), requestId: "k" }, ...called.slice(1)]);
  expect(() => withResultsOfOpenCalls([result], { events, requestId: "k" })).toThrow(
    expect.objectContaining({ status: 409, code: "request_mismatch" }),
  );
});
