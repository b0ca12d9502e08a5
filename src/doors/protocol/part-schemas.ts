/** JSON Schemas that several messages share, such as `Content` and `Usage`. Other schemas refer to them by name. */
import type { JsonSchema } from "../../core/messages.js";
import { count, flag, list, name, number, optional, text, whole } from "./schema-words.js";
import { sessionSchema } from "./session-entry.js";

export const error = { error: text, kind: text, retryable: flag, hint: text };
export const serverState = { enum: ["starting", "ready", "degraded", "needs_auth", "failed", "disabled"] };

export function partSchemas(): Record<string, JsonSchema> {
  const media = (type: string) => whole({ type: { const: type }, data: text, mime_type: text });
  const question = (kind: string, properties: Record<string, JsonSchema>, more: Record<string, JsonSchema> = {}) =>
    whole({ question_id: name, kind: { const: kind }, ...properties }, more);
  return {
    Content: {
      description: "A part of a tool's result or of a resource.",
      anyOf: [
        whole({ type: { const: "text" }, text }),
        media("image"),
        media("audio"),
        whole({ type: { const: "file" }, data: text, mime_type: text }, { name: text }),
        whole({ type: { const: "resource_link" }, uri: text }, { name: text, mime_type: text }),
      ],
    },
    Session: sessionSchema,
    Usage: {
      description:
        "Counts that the provider did not give are absent; null: it gave none. Cached and written tokens are part of the input, reasoning is part of the output. cost_usd where the price is known.",
      ...optional(
        whole(
          { input_tokens: number, output_tokens: number },
          {
            reasoning_tokens: number,
            cached_tokens: number,
            cache_write_tokens: number,
            cache_write_1h_tokens: number,
            cost_usd: number,
          },
        ),
      ),
    },
    Question: {
      description: "The turn waits for the answer: the action answer, with its question_id.",
      anyOf: [
        question(
          "approval",
          { call_id: text, server: text, tool: text, arguments: text, reason: text },
          { annotations: list(text), once_only: { const: true } },
        ),
        question("elicitation", { server: text, message: text, form: { type: "object" } }),
        question("elicitation", { server: text, message: text, url: text }),
        question("sampling", { server: text, prompt: text, max_tokens: number }),
        question(
          "limit",
          {
            limit: { enum: ["hops", "tokens", "usd", "time", "calls", "loop"] },
            scope: { enum: ["turn", "conversation", "day"] },
            used: number,
            allowed: number,
          },
          { needed: number, estimated: { const: true }, unpriced: number },
        ),
      ],
    },
    Server: whole(
      { name, state: serverState, transport: text, tools: count, prompts: count, resources: count },
      {
        era: optional({ enum: ["legacy", "modern"] }),
        start_ms: optional(number),
        latency_ms: optional(number),
        version: optional(text),
        reason: optional(text),
        login: optional(text),
        source: optional(text),
        enabled: flag,
        editable: flag,
        entry: optional({ type: "object" }),
        can_log_out: flag,
      },
    ),
    Tool: {
      description: "tokens: about what its definition costs in every request that offers it.",
      ...whole({ name, server: text, tool: text, description: text, input_schema: { type: "object" }, tokens: count }),
    },
    Prompt: whole({
      name,
      server: text,
      description: text,
      arguments: list(whole({ name: text, description: text, required: flag })),
    }),
    Resource: whole({ uri: text, server: text, name: text, description: text }, { mime_type: text }),
    ResourceTemplate: whole({ uri_template: text, server: text }),
    Error: {
      description: "kind is for programs, error for people; hint says what to do.",
      ...whole(error, { action: text }),
    },
  };
}
