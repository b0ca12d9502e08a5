import type { AssistantMessage, Completion } from "../core/messages.js";

/**
 * Ends an answer behind the first of the sequences in its text, as a provider does that knows stop sequences: calls and text behind it do not
 * count. Parts that the provider wants back (`kept`) are left out with them. The answer is billed as it came.
 */
export function endedAt(completion: Completion, sequences: readonly string[] = []): Completion {
  const { content, reasoning } = completion.message;
  const ends = sequences.flatMap((sequence) => {
    const at = content.indexOf(sequence);
    return at < 0 ? [] : [{ at, end: at + sequence.length }];
  });
  const [first] = ends.sort((one, other) => one.at - other.at);
  if (!first) return completion;
  const message: AssistantMessage = {
    role: "assistant",
    content: content.slice(0, first.end),
    reasoning,
    toolCalls: [],
  };
  return { ...completion, message, finishReason: "stop" };
}
