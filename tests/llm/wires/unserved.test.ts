import { expect, test } from "@jest/globals";
import type { WireName } from "../../../src/core/config.js";
import { resolveModel } from "../../../src/llm/providers/providers.js";
import { unservedBy } from "../../../src/llm/providers/vendors.js";
import { llmConfig } from "../../support/llm-config.js";

/** Wire, `base_url`, model, and the wire that serves the model: `none` if no wire does, undefined if this wire does. */
test.each<[WireName, string, string, WireName | "none" | undefined]>([
  ["chat", "https://api.openai.com/v1", "gpt-6-astra", "responses"],
  ["chat", "https://api.openai.com/v1", "gpt-4.1", undefined],
  ["responses", "https://api.openai.com/v1", "gpt-audio", "chat"],
  ["responses", "https://api.openai.com/v1", "gpt-6-luna", undefined],
  ["responses", "https://api.anthropic.com/v1", "claude-opus-5-5", "messages"],
  ["responses", "https://generativelanguage.googleapis.com/v1beta", "gemini-3.8-flash", "gemini"],
  ["responses", "https://api.z.ai/api/paas/v4", "glm-5.3-flash", "chat"],
  ["responses", "https://api.fireworks.ai/inference/v1", "deepseek-v4", "messages"],
  ["responses", "https://api.deepseek.com/v1", "deepseek-flash", undefined],
  ["messages", "https://api.deepseek.com/anthropic", "claude-opus-5-5", "none"],
  ["messages", "https://api.deepseek.com/anthropic", "deepseek-flash", undefined],
  ["messages", "https://api.openai.com/v1", "gpt-6-luna", "responses"],
  ["messages", "https://api.groq.com/openai/v1", "llama-3.3-70b-versatile", "chat"],
  ["messages", "https://api.x.ai/v1", "grok-4.7", "responses"],
  ["messages", "https://gateway.example.com/api.openai.com/v1", "gpt-6-luna", undefined],
])("%s at %s for %s", (wire, baseUrl, model, by) => {
  const { provider } = resolveModel(llmConfig(baseUrl, {}, { wire, model }), {});
  const unserved = unservedBy(provider, model);
  expect(unserved && (unserved.by ?? "none")).toBe(by);
});
