import type {
  AssistantMessage,
  ChatEvent,
  Completion,
  CompletionEvent,
  CompletionRequest,
  Delta,
  LiveEvent,
  Spent,
  ToolDefinition,
} from "../core/chat.js";
import { errorInfo, LlmError } from "../core/errors.js";
import type { Llm } from "../llm/changing-client.js";
import { spentOn } from "./spending.js";
import { abortReason } from "./turn-options.js";

interface Hop {
  llm: Llm;
  request: CompletionRequest;
  turnId: string;
  signal: AbortSignal;
}

/**
 * One request of a turn, whose answer comes as `events`. Yields its deltas and its message; after a failure also the turn's end, and
 * returns nothing.
 */
export async function* runHop(
  events: AsyncIterable<CompletionEvent>,
  { llm, request, turnId, signal }: Hop,
): AsyncGenerator<ChatEvent | LiveEvent, (Completion & { spent: Spent }) | undefined> {
  let shown: Delta[] = [];
  try {
    for await (const event of events) {
      if (event.type === "completion") {
        const { message, ...facts } = withoutUnaskedCalls(event.completion, request.tools);
        const price = llm.priceOf(facts.provider, facts.model);
        const spent = spentOn(request, event.completion, price);
        yield { type: "assistant_message", turnId, message, ...facts, spent };
        return { message, ...facts, spent };
      }
      if (event.type === "discard") shown = [];
      else shown.push(event);
      yield event;
    }
  } catch (error) {
    if (shown.length > 0) {
      const { provider, model } = llm.resolve(request.model);
      const attempts = (error instanceof LlmError ? error.attempts : undefined) ?? 1;
      const facts = { finishReason: "unknown", provider: provider.name, model, attempts } as const;
      const message = partialMessage(shown);
      const spent = spentOn(request, { message }, llm.priceOf(provider.name, model));
      yield { type: "assistant_message", turnId, message, ...facts, spent, interrupted: true };
    }
    if (signal.aborted) yield { type: "turn_end", turnId, stopReason: abortReason(signal) };
    else yield { type: "turn_error", turnId, error: errorInfo(error) };
    return undefined;
  }
  throw new LlmError("protocol", "the model's stream ended without a completion");
}

/** A model may call tools that it was not offered (the last hop offers none); such a call would never get its result. */
function withoutUnaskedCalls(completion: Completion, offered: readonly ToolDefinition[]): Completion {
  if (offered.length > 0 || completion.message.toolCalls.length === 0) return completion;
  return { ...completion, message: { ...completion.message, toolCalls: [] } };
}

function partialMessage(shown: readonly Delta[]): AssistantMessage {
  const join = (type: Delta["type"]) =>
    shown
      .filter((delta) => delta.type === type)
      .map(({ delta }) => delta)
      .join("");
  const reasoning = join("reasoning_delta");
  return { role: "assistant", content: join("text_delta"), ...(reasoning ? { reasoning } : {}), toolCalls: [] };
}
