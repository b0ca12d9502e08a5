import { errorInfo, LlmError } from "../core/errors.js";
import type { AssistantMessageEvent } from "../core/events.js";
import type {
  AssistantMessage,
  Completion,
  CompletionRequest,
  Delta,
  Discard,
  KeptParts,
  Spent,
} from "../core/messages.js";
import { firstStop } from "../core/text/excerpt.js";
import type { LlmClient } from "../llm/client.js";
import type { TurnEnd } from "./outlet.js";
import { inAskedForm } from "./output-form.js";
import { billOf, billOfFailed } from "./spending.js";
import { ignoredChoice, unofferedCalls, withAskedCalls } from "./tool-use.js";
import { abortReason, type TurnContext } from "./turn-context.js";

/**
 * Runs one request of a turn. Shows the deltas of the answer, and adds the answer's message to `out`, which stores the message with the
 * next write. Returns the message's event or, if the request fails, the event that ends the turn.
 */
export async function runHop(
  request: CompletionRequest,
  turn: TurnContext,
): Promise<(AssistantMessageEvent & { spent: Spent }) | TurnEnd> {
  const { llm, prices, budget, turnId, options, record, out, signal, streaming } = turn;
  let shown: Delta[] = [];
  const onDelta = (event: Delta | Discard) => {
    // If the answer must have a certain form, its text is shown only after the form was checked. Text next to tool calls is never shown,
    // because it is not part of the final answer.
    if (request.output && event.type === "text_delta") return;
    if (event.type === "discard") shown = [];
    else shown.push(event);
    out.show(event);
  };
  const ask = (asked: CompletionRequest) => llm.complete(asked, turn, onDelta);
  let completion: Completion;
  let problem: LlmError | undefined;
  try {
    completion = await ask(request);
    if (request.output) {
      ({ completion, problem } = await inAskedForm(withAskedCalls(completion, request), request, ask));
      const { content, toolCalls } = completion.message;
      if (streaming && content && toolCalls.length === 0) out.show({ type: "text_delta", delta: content });
    }
  } catch (error) {
    const { attempts = 1, lost = [], kept } = error instanceof LlmError ? error : {};
    // The provider also bills output that was never shown: tool calls, JSON, or an answer that was not streamed.
    if (shown.length + lost.length > 0) {
      const { provider, model } = lost.at(-1) ?? resolved(llm, request);
      const facts = { finishReason: "unknown", provider, model, attempts } as const;
      const message = partialMessage(shown, kept);
      const bill = billOfFailed(request, { message, provider, model, lost }, prices);
      budget.spend(bill.spent);
      const { offered, catalogue } = record?.takeUnstored() ?? {};
      out.add({ type: "assistant_message", turnId, message, ...facts, ...bill, offered, catalogue, interrupted: true });
    }
    return signal.aborted
      ? { type: "turn_end", turnId, stopReason: abortReason(signal) }
      : { type: "turn_error", turnId, error: errorInfo(error) };
  }
  const whole = withAskedCalls(completion, request);
  const kept = endedAt(whole, options.stopSequences);
  // Calls behind a stop sequence do not count, so they cannot be wrong either.
  const callsCount = kept === whole;
  const ignored = callsCount && request.toolChoice ? ignoredChoice(whole, request.toolChoice) : undefined;
  const failure = ignored ?? (callsCount ? unofferedCalls(completion, request) : undefined) ?? problem;
  const { finishReason, provider, model, usage, attempts } = kept;
  const message = ignored ? { ...kept.message, toolCalls: [] } : kept.message;
  const { spent, billed } = billOf(request, completion, prices);
  const type = "assistant_message";
  // The fields of `answer` are listed one by one: every hop builds it, and an object spread takes some microseconds until V8 compiles the
  // function.
  const { offered, catalogue } = record?.takeUnstored() ?? {};
  const answer = {
    type,
    turnId,
    message,
    finishReason,
    provider,
    model,
    usage,
    attempts,
    spent,
    billed,
    offered,
    catalogue,
  } as const;
  out.add(answer);
  return failure ? { type: "turn_error", turnId, error: errorInfo(failure) } : answer;
}

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

function resolved(llm: LlmClient, { model }: CompletionRequest): { provider: string; model: string } {
  const target = llm.resolve(model);
  return { provider: target.provider.name, model: target.model };
}

function partialMessage(shown: readonly Delta[], kept: KeptParts | undefined): AssistantMessage {
  const join = (type: Delta["type"]) =>
    shown
      .filter((delta) => delta.type === type)
      .map(({ delta }) => delta)
      .join("");
  const reasoning = join("reasoning_delta");
  const content = join("text_delta");
  return {
    role: "assistant",
    content,
    ...(reasoning ? { reasoning } : {}),
    toolCalls: [],
    ...(kept && content ? { kept } : {}),
  };
}
