import type { Completion } from "../../core/messages.js";
import type { WireAnswer } from "../wires/wire.js";
import type { ProviderCall } from "./call.js";

/** Converts the whole answer to a call into a completion. Notes the tokens that the provider has counted. */
export function completionOf(answer: WireAnswer, call: ProviderCall): Completion {
  const { message, finishReason, usage, parts } = answer;
  const { draft, provider, model, attempts } = call;
  if (usage) draft.counted(usage.inputTokens);
  const isFiltered = finishReason === "content_filter";
  // An answer that was cut off within a tool call may lack the signatures of its reasoning, so its parts must not be sent back later.
  const isCut = finishReason === "length" && message.toolCalls.length > 0;
  if (parts && !isCut && !isFiltered) message.kept = draft.kept(parts);
  // The calls of a filtered answer are dropped, because they may be incomplete and the provider has refused them.
  if (isFiltered) message.toolCalls = [];
  const asked = { provider: provider.name, model, attempts };
  return usage ? { message, finishReason, usage, ...asked } : { message, finishReason, ...asked };
}
