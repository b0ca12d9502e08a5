/** Checks how the model uses tools, for providers that do not enforce `tool_choice` or `parallel_tool_calls`. */

import { LlmError, RequestError } from "../core/errors.js";
import type { Completion, CompletionRequest, ToolChoice, ToolDefinition } from "../core/messages.js";

/** Returns an error if the tool that the model must call is not offered. */
export function unofferedChoice(choice: ToolChoice, tools: readonly ToolDefinition[]): RequestError | undefined {
  if (choice === "none") return undefined;
  if (choice === "required") {
    if (tools.length > 0) return undefined;
    return new RequestError("usage", "the model has to call a tool, but no tool is offered", {
      hint: "Offer a tool, or let the model decide (tool_choice auto).",
    });
  }
  if (tools.some(({ name }) => name === choice.name)) return undefined;
  return new RequestError("usage", `the model has to call ${choice.name}, but that tool is not offered`, {
    hint: "Name a tool of the call or, as SERVER__TOOL, one of a server that runs and that the call may use.",
  });
}

/**
 * Returns the completion without the calls that the request did not permit. A model may call tools although none were offered, or although
 * all were forbidden (which they are in the last hop). Such a call would never get a result. If the request allowed only one call at a
 * time, only the first call is kept.
 */
export function withAskedCalls(
  completion: Completion,
  { tools, toolChoice, parallelToolCalls }: CompletionRequest,
): Completion {
  const { message, finishReason } = completion;
  const most =
    tools.length === 0 || toolChoice === "none" ? 0 : parallelToolCalls === false ? 1 : Number.POSITIVE_INFINITY;
  if (message.toolCalls.length <= most) return completion;
  const toolCalls = message.toolCalls.slice(0, most);
  // The token limit can have cut only the last call, and that call was dropped. The first call is complete.
  const isWhole = finishReason === "length" && most > 0;
  const isLast = finishReason === "tool_calls" && tools.length === 0;
  const reason = isWhole ? "tool_calls" : isLast ? "stop" : finishReason;
  return { ...completion, message: { ...message, toolCalls }, finishReason: reason };
}

/** Returns an error if no tools were offered but the model answered only with tool calls: such an answer is unusable. */
export function unofferedCalls(completion: Completion, { tools, toolChoice }: CompletionRequest): LlmError | undefined {
  const { message, finishReason, provider, model, attempts } = completion;
  if (tools.length > 0 || toolChoice === "none" || message.toolCalls.length === 0) return undefined;
  if (message.content.trim() !== "" || finishReason === "length" || finishReason === "content_filter") return undefined;
  const names = [...new Set(message.toolCalls.map(({ name }) => name))].join(" and ");
  const said = `${provider}/${model}: the model called ${names} and said nothing else, but no tools are offered to it`;
  const hint = "Connect a server that has such tools (mcp-platform servers add), or use another model.";
  return new LlmError("bad_request", said, { provider, model, attempts, hint });
}

/**
 * Returns an error if the model did not call the tool that it had to call. Returns no error for an answer that was cut off or filtered,
 * because the finish reason already says what went wrong.
 */
export function ignoredChoice(completion: Completion, choice: ToolChoice): LlmError | undefined {
  if (choice === "none") return undefined; // forbidden calls are not checked here, because `withAskedCalls` drops them
  const { message, finishReason, provider, model, attempts } = completion;
  const { toolCalls } = message;
  const isKept = choice === "required" ? toolCalls.length > 0 : toolCalls.some(({ name }) => name === choice.name);
  if (isKept || finishReason === "length" || finishReason === "content_filter") return undefined;
  const wanted = choice === "required" ? "a tool" : choice.name;
  const said = `${provider}/${model}: the model had to call ${wanted}, but did not`;
  const hint = "Let the model decide (tool_choice auto), or use a model that respects tool_choice.";
  return new LlmError("bad_request", said, { provider, model, attempts, hint });
}
