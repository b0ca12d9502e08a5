/** Last answers that have to be JSON of a certain schema. */
import type { Completion, CompletionRequest, LostAnswer, OutputFormat } from "../core/chat.js";
import { LlmError } from "../core/errors.js";
import { isJson, readStructured } from "../core/structured-output.js";

/** What the model is told, after its system prompt: not every provider holds it to a schema. */
export function formInstruction({ jsonSchema }: OutputFormat): string {
  return (
    "Your final answer is read by a program: it has to be one JSON value that is valid against this JSON Schema, " +
    `and nothing else, neither words nor a code fence around it.\n${JSON.stringify(jsonSchema)}`
  );
}

/**
 * The completion with an answer of the form that was asked for, or what is wrong with it. A model whose answer is not of it is asked once
 * more; the conversation does not keep the first answer, whose tokens are counted all the same. Rejects as `ask`.
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

/** One with calls, also such as were not asked for, is followed by another. */
function isFinal(completion: Completion): boolean {
  return completion.message.toolCalls.length === 0 && completion.finishReason !== "tool_calls" && !isCut(completion);
}

/** Such an answer has an end of its own. */
function isCut({ finishReason }: Completion): boolean {
  return finishReason === "length" || finishReason === "content_filter";
}

/** Words and a fence around the JSON are left out: the caller parses the answer as it is. */
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

/** What an answer cost that is not kept, with those that were lost before it. */
function billed({ provider, model, usage, lost = [] }: Completion): LostAnswer[] {
  return [...lost, { provider, model, usage: usage ?? { outputTokens: 0 } }];
}

/**
 * The second answer, with what the first one cost. Its calls are dropped, since tools were forbidden, and so is what its provider wants back:
 * that is bound to the first answer, which later requests do not have.
 */
function after(first: Completion, second: Completion): Completion {
  const lost = [...billed(first), ...(second.lost ?? [])];
  const { kept: _, ...said } = second.message;
  const message = { ...said, toolCalls: [] };
  return { ...second, message, lost, attempts: first.attempts + second.attempts };
}
