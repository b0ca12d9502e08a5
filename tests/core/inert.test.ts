import { expect, test } from "@jest/globals";
import { visibleJson } from "../../src/core/inert.js";
import { toJson } from "../../src/session/export/json.js";
import { toMarkdown } from "../../src/session/export/markdown.js";

const steering = "\u001b]52;c;ZXZpbA==\u0007a\u009b2J\u202eb";

test("JSON says the same with escapes for what cannot be seen", () => {
  const json = JSON.stringify({ steering, "\u{e0041}": "\u2028" }, undefined, 2);
  expect(visibleJson(json)).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}]/u);
  expect(JSON.parse(visibleJson(json))).toEqual(JSON.parse(json));
});

test("no export steers the terminal that it is shown on", () => {
  const json = toJson("c", [
    { seq: 1, at: 0, type: "user_message", turnId: "t", requestId: "r", text: steering } as never,
  ]);
  const content = [{ type: "text" as const, text: steering }];
  const turn = { startedAt: 0, asked: content, hops: [{ text: steering, calls: [] }], endedAt: 1, summary: {} };
  const markdown = toMarkdown({ conversationId: steering, origins: [], turns: [turn] } as never);
  for (const text of [json, markdown]) expect(text).not.toMatch(/(?![\n\t])\p{Cc}/u);
});
