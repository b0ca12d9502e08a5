import type { AssistantMessage, Completion } from "../core/messages.js";
import { firstStop } from "../core/text/first-stop.js";

/**
 * Ends an answer behind the first of the sequences in its text, as a provider does that knows stop sequences: calls and text behind it do not
 * count. Parts that the provider wants back (`kept`) are left out with them. The answer is billed as it came.
 */
export function endedAt(completion: Completion, sequences: readonly string[] = []): Completion {
  const { content, reasoning } = completion.message;
  const stop = firstStop(content, sequences);
  if (!stop) return completion;
  const message: AssistantMessage = {
    role: "assistant",
    content: content.slice(0, stop.at + stop.sequence.length),
    reasoning,
    toolCalls: [],
  };
  return { ...completion, message, finishReason: "stop" };
}
