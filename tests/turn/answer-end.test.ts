import { expect, test } from "@jest/globals";
import type { Completion } from "../../src/core/messages.js";
import { endedAt } from "../../src/turn/hop.js";

const call = { id: "call_1", name: "s__echo", arguments: "{}" };
const said = (content: string): Completion => ({
  message: { role: "assistant", content, reasoning: "hm", toolCalls: [call] },
  finishReason: "tool_calls",
  provider: "demo",
  model: "demo-1",
  attempts: 1,
});

test("an answer ends behind the first stop sequence in it, without calls", () => {
  expect(endedAt(said("one STOP two END"), ["END", "STOP"])).toMatchObject({
    message: { content: "one STOP", reasoning: "hm", toolCalls: [] },
    finishReason: "stop",
  });
});

test("an answer without a stop sequence stays as it is", () => {
  const whole = said("one two");
  expect([endedAt(whole, ["STOP"]), endedAt(whole)]).toEqual([whole, whole]);
});
