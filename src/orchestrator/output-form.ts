/** Answers that must be JSON of a given schema. */
import type { Completion, CompletionRequest, LostAnswer, OutputFormat } from "../core/chat.js";
import { LlmError } from "../core/errors.js";
import { isJson, readStructured } from "../core/structured-output.js";

/** Returns the instruction that follows the system prompt: not every provider enforces a schema. */
export function formInstruction({ jsonSchema }: OutputFormat): string {
  return (
    "Your final answer is read by a program: it has to be one JSON value that is valid against this JSON Schema, " +
    `and nothing else, neither words nor a code fence around it.\n${JSON.stringify(jsonSchema)}`
  );
}

/**
 * Returns the completion with an answer of the requested form, or the problem. Asks the model once more if the form is wrong. The
 * conversation does not keep the first answer, but its tokens count. Rejects if `ask` does.
 */
export async function inAskedForm(
  completion: Completion,
  request: CompletionRequest,
  ask: (request: CompletionRequest) => Promise<Completion>,
): Promise<{ completion: Completion; problem?: LlmError }> {
  const { output } = request;
  if (!output || !isFinal(completion)) return { completion };
  const first = checked(completion, output);
  if (!first.problem) return { completion: first.completion };
  const repair = ask(repairOf(completion, request, first.problem));
  const second = after(
    completion,
    await repair.catch((error: unknown) => {
      if (error instanceof LlmError) error.lost = [...billed(completion), ...(error.lost ?? [])];
      throw error;
    }),
  );
  if (isCut(second)) return { completion: second };
  const { completion: repaired, problem } = checked(second, output);
  if (!problem) return { completion: repaired };
  const { provider, model, attempts } = second;
  const said = `${provider}/${model}: the answer is not of the JSON Schema asked for, also after it was asked for again: ${problem}`;
  const hint = "Send it again, simplify the schema, or use a model that keeps to one.";
  return { completion: second, problem: new LlmError("output", said, { provider, model, attempts, hint }) };
}

/** False if the completion has calls, even unrequested ones: another answer follows those. */
function isFinal(completion: Completion): boolean {
  return completion.message.toolCalls.length === 0 && completion.finishReason !== "tool_calls" && !isCut(completion);
}

/** True if the provider ended the answer early, by token limit or filter. */
function isCut({ finishReason }: Completion): boolean {
  return finishReason === "length" || finishReason === "content_filter";
}

/** Removes text and a code fence around the JSON: the caller parses the answer as it is. */
function checked(completion: Completion, { jsonSchema }: OutputFormat): { completion: Completion; problem?: string } {
  const { message } = completion;
  const read = readStructured(message.content, jsonSchema);
  if ("problem" in read) return { completion, problem: read.problem };
  if (isJson(message.content)) return { completion };
  return { completion: { ...completion, message: { ...message, content: JSON.stringify(read.value) } } };
}

function repairOf({ message }: Completion, request: CompletionRequest, problem: string): CompletionRequest {
  const text = `That is not the answer asked for: ${problem}. Write the whole answer again, as JSON that is valid against the schema, and nothing else.`;
  const messages = [
    ...request.messages,
    message,
    { role: "user" as const, content: [{ type: "text" as const, text }] },
  ];
  return { ...request, messages, ...(request.tools.length > 0 ? { toolChoice: "none" as const } : {}) };
}

/** Returns the cost of an answer that is not kept, after those of the answers lost before it. */
function billed({ provider, model, usage, lost = [] }: Completion): LostAnswer[] {
  return [...lost, { provider, model, usage: usage ?? { outputTokens: 0 } }];
}

/**
 * Returns the second answer with the cost of the first. Drops its calls, since tools were forbidden. Also drops `kept`, the data that the
 * provider wants back: it is bound to the first answer, which later requests do not have.
 */
function after(first: Completion, second: Completion): Completion {
  const lost = [...billed(first), ...(second.lost ?? [])];
  const { kept: _, ...said } = second.message;
  const message = { ...said, toolCalls: [] };
  return { ...second, message, lost, attempts: first.attempts + second.attempts };
}
