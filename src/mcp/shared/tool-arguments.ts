import { setTimeout as sleep } from "node:timers/promises";
import { duplicateKey, isPlainObject, jsonProblem, parseJson } from "../../core/json.js";
import type { JsonSchema } from "../../core/messages.js";
import { argumentProblem } from "../../core/schemas/argument-check.js";
import { isQuickCheck, isQuickSchema, schemaCost, schemaThread } from "../../core/schemas/schema-cost.js";
import type { ArgumentQuestion } from "../../core/schemas/schema-worker.js";

const costs = new WeakMap<JsonSchema, number>();
const thread = schemaThread<ArgumentQuestion, string | undefined>();
/** Longest time that the check of a call's arguments is waited for, in ms. The checks of a hostile server must not hold up the calls of others. */
const longestWaitMs = 2_000;

/** Resolves with the arguments to send to the server. If the model must correct them, resolves with the problem, in words for the model. */
export async function readArguments(
  text: string,
  schema: JsonSchema,
): Promise<{ value: Record<string, unknown> } | { problem: string }> {
  const given = text.trim() === "" ? {} : parseJson(text);
  if (given === undefined) return { problem: `the arguments are not valid JSON: ${jsonProblem(text)}` };
  if (!isPlainObject(given)) return { problem: "the arguments are not a JSON object" };
  const twice = duplicateKey(text);
  if (twice !== undefined) return { problem: `the arguments have the key ${JSON.stringify(twice)} twice` };
  const problem = await problemIn(given, schema, { chars: text.length });
  if (problem === undefined) return { value: given };
  const meant = withoutNulls(given, schema);
  const isSame = Object.keys(meant).length === Object.keys(given).length;
  return isSame || (await problemIn(meant, schema)) !== undefined ? { problem } : { value: meant };
}

/** Removes arguments that are null, except required ones. Models write null for optional arguments that they want to leave out. */
function withoutNulls(args: Record<string, unknown>, { required }: JsonSchema): Record<string, unknown> {
  const isRequired = (name: string) => Array.isArray(required) && required.includes(name);
  return Object.fromEntries(Object.entries(args).filter(([name, value]) => value !== null || isRequired(name)));
}

/**
 * Resolves with how the value violates the server's schema, in words for the model. Resolves with undefined if the value is valid, and if the
 * server must check, because the schema cannot be used or the check takes too long. `chars` is the length of the value as JSON, if the caller
 * knows it.
 */
export async function problemIn(
  value: unknown,
  schema: JsonSchema,
  { chars, withinMs = longestWaitMs }: { chars?: number; withinMs?: number } = {},
): Promise<string | undefined> {
  const cost = costOf(schema);
  if (isQuickSchema(cost)) {
    const length = chars ?? JSON.stringify(value).length;
    if (isQuickCheck(cost, length)) return argumentProblem(value, schema, length);
  }
  const question = { schema: JSON.stringify(schema), value: JSON.stringify(value) };
  const answered = new AbortController();
  try {
    const late = sleep(withinMs, undefined, { signal: answered.signal, ref: false });
    return await Promise.race([thread.ask(question), late]);
  } catch {
    return undefined;
  } finally {
    answered.abort();
  }
}

function costOf(schema: JsonSchema): number {
  const known = costs.get(schema);
  if (known !== undefined) return known;
  const cost = schemaCost(schema);
  costs.set(schema, cost);
  return cost;
}
