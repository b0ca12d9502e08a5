import { expect, test } from "@jest/globals";
import type { AssistantMessage, KeptPart } from "../../../../src/core/messages.js";
import { keptFor } from "../../../../src/llm/wires/shared/kept.js";

const target = {
  wire: "messages",
  provider: "anthropic",
  account: "a1",
  model: "claude-1",
  family: (model: string) => model.replace(/-.*/, ""),
};
const parts: KeptPart[] = [
  { opaque: { type: "thinking", signature: "S" } },
  { text: 2 },
  { call: 0 },
  { text: 3, extra: { citations: [] } },
  { call: 1 },
];
const call = (id: string) => ({ id, name: "f", arguments: "{}" });
const message = (change: Partial<AssistantMessage> = {}, from: Partial<typeof target> = {}): AssistantMessage => {
  const { wire, provider, account, model } = { ...target, ...from };
  const kept = { wire, provider, account, model, parts };
  return { role: "assistant", content: "hello", toolCalls: [call("a"), call("b")], kept, ...change };
};

test.each<[string, AssistantMessage, boolean]>([
  ["the same wire, provider, account and model", message(), true],
  ["another model of the family", message({}, { model: "claude-2" }), true],
  ["another family", message({}, { model: "other-1" }), false],
  ["another account", message({}, { account: "a2" }), false],
  ["another provider", message({}, { provider: "gateway" }), false],
  ["another wire", message({}, { wire: "chat" }), false],
  ["a message with fewer calls than the answer had", message({ toolCalls: [call("a")] }), false],
  ["a message with other words", message({ content: "hell" }), false],
  ["a message that keeps nothing", message({ kept: undefined }), false],
])("kept parts of an answer go back to their origin only: %s", (_, of, isSent) => {
  expect(keptFor(of, target)).toEqual(isSent ? parts : undefined);
});
