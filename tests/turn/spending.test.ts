import { expect, test } from "@jest/globals";
import type { Message } from "../../src/core/messages.js";
import { inputTokens } from "../../src/turn/spending.js";

const data = "x".repeat(400_000);

test("the data of a picture counts as a picture, and a text under the key `data` in a tool's schema as text", () => {
  const picture: Message = { role: "user", content: [{ type: "image", data, mimeType: "image/png" }] };
  const tool = { name: "t", description: "", inputSchema: { type: "object", examples: [{ data }] } };
  expect(inputTokens({ messages: [picture], tools: [] })).toBeLessThan(2_000);
  expect(inputTokens({ messages: [], tools: [tool] })).toBeGreaterThan(100_000);
});
