/** Handles requests whose answer must be JSON of a given schema. */

import { LlmError } from "../core/errors.js";
import { parseJson } from "../core/json.js";
import {
  type Completion,
  type CompletionRequest,
  formInstruction,
  type LostAnswer,
  type OutputFormat,
} from "../core/messages.js";
import { checkAnswer } from "../core/schemas/caller-schemas.js";
import { estimateOutput } from "./billed-tokens.js";

/**
 * Checks that the final answer has the requested form. If the answer does not have this form, asks the model once more. Returns the
 * completion; `problem` is set if the second answer is wrong too. The first answer is not kept in the conversation, but its tokens count.
 * Rejects if `ask` does.
 */
export async function inAskedForm(
  completion: Completion,
  request: CompletionRequest,
  ask: (request: CompletionRequest) => Promise<Completion>,
): Promise<{ completion: Completion; problem?: LlmError }> {
  const { output } = request;
  if (!output || !isFinal(completion)) return { completion };
  const first = await checked(completion, output);
  if (!first.problem) return { completion: first.completion };
  const repair = ask(repairOf(completion, request, { problem: first.problem, output }));
  const second = after(
    completion,
    await repair.catch((error: unknown) => {
      if (error instanceof LlmError) error.lost = [...unused(completion), ...(error.lost ?? [])];
      throw error;
    }),
  );
  if (isCut(second)) return { completion: second };
  const { completion: repaired, problem } = await checked(second, output);
  if (!problem) return { completion: repaired };
  const { provider, model, attempts } = second;
  const message = `${provider}/${model}: the answer does not fit the requested JSON Schema, also after a second request: ${problem}`;
  const hint = "Send the message again, simplify the schema, or use a model that follows schemas.";
  return { completion: second, problem: new LlmError("output", message, { provider, model, attempts, hint }) };
}

/**
 * True if the completion is a complete final answer. False if the answer was cut off. Also false if it contains calls, even unrequested
 * ones, because another answer will follow.
 */
function isFinal(completion: Completion): boolean {
  return completion.message.toolCalls.length === 0 && completion.finishReason !== "tool_calls" && !isCut(completion);
}

/** True if the provider ended the answer early, because of its token limit or a filter. */
function isCut({ finishReason }: Completion): boolean {
  return finishReason === "length" || finishReason === "content_filter";
}

/** Checks the answer against the schema. Removes any text and code fence around the JSON, because the caller parses the answer as it is. */
async function checked(
  completion: Completion,
  { jsonSchema }: OutputFormat,
): Promise<{ completion: Completion; problem?: string }> {
  const { message } = completion;
  const read = await checkAnswer(message.content, jsonSchema);
  if ("problem" in read) return { completion, problem: read.problem };
  if (parseJson(message.content) !== undefined) return { completion };
  return { completion: { ...completion, message: { ...message, content: JSON.stringify(read.value) } } };
}

/**
 * Returns the request for another answer. The request states the schema again: if the caller's message held only tool results, no other
 * message states it.
 */
function repairOf(
  { message }: Completion,
  request: CompletionRequest,
  { problem, output: { jsonSchema } }: { problem: string; output: OutputFormat },
): CompletionRequest {
  const text = `That is not the answer asked for: ${problem}. Write the whole answer again. ${formInstruction(jsonSchema)}`;
  const messages = [
    ...request.messages,
    message,
    { role: "user" as const, content: [{ type: "text" as const, text }] },
  ];
  return {
    ...request,
    messages,
    refusesPause: false,
    ...(request.tools.length > 0 ? { toolChoice: "none" as const } : {}),
  };
}

/** Returns the answers that are billed although they were not used: this completion, and the answers that broke off before it. */
function unused({ provider, model, message, usage, lost = [] }: Completion): LostAnswer[] {
  return [...lost, { provider, model, usage: usage ?? { outputTokens: estimateOutput(message) } }];
}

/**
 * Returns the second answer, billed together with the first. Its tool calls are dropped, because the request forbade them. Its `kept` (data
 * that the provider wants back later) is dropped too, because it refers to the first answer, which is not in the conversation.
 */
function after(first: Completion, second: Completion): Completion {
  const lost = [...unused(first), ...(second.lost ?? [])];
  const { kept: _, ...said } = second.message;
  const message = { ...said, toolCalls: [] };
  return { ...second, message, lost, attempts: first.attempts + second.attempts };
}
