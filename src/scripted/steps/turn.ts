/** The steps that run a turn: with a user's text, and with a prompt of a server. */

import { type LlmErrorKind, ScriptError } from "../../core/errors.js";
import type { Question, StoredEvent } from "../../core/events.js";
import { parseJson } from "../../core/json.js";
import type { ContentPart, OutputFormat } from "../../core/messages.js";
import type { ToolHub } from "../../core/ports.js";
import { readStructured } from "../../core/schemas/structured-output.js";
import { didYouMean } from "../../core/text/nearest.js";
import { withFinalText } from "../../doors/shared/final-text.js";
import { type AnsweredCall, calledTools } from "../../session/conversations/called-tools.js";
import { summarizeTurn } from "../../session/shared/summary.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import type { StepOf } from "../shared/script.js";
import { type CalledTool, type StepOutcome, stepFailureOf } from "../shared/script-result.js";
import { render, renderText } from "../shared/templates.js";
import type { Performed, StepContext } from "./performed.js";
import { reached } from "./script-limits.js";
import { notOffered, untilOffered } from "./server-wait.js";

/** Runs a turn with a user's text. If the answer violates `json_schema`, the step gets a failure that assertions cannot expect. */
export async function performUser(step: StepOf<"user">, context: StepContext): Promise<Performed> {
  const text = renderText(step.text, context.variables, step.position);
  const performed = await performTurn([{ type: "text", text }], context, step.output);
  if (!step.output || performed.failure) return performed;
  const { outcome } = performed;
  const read = readStructured(outcome.output, step.output.jsonSchema);
  if ("value" in read) return { outcome: { ...outcome, json: read.value } };
  // The turn itself does not check answers that were cut or filtered, so an invalid answer may arrive here.
  const failure = stepFailureOf(new ScriptError("output", `the answer does not fit its json_schema: ${read.problem}`));
  return { outcome, failure };
}

/**
 * Runs a turn with a prompt of a server. The step names the prompt as `server.prompt`, or by the prompt's name in the host. Rejects if the
 * prompt does not exist or if the server does not return it.
 */
export async function performPrompt(step: StepOf<"prompt">, context: StepContext): Promise<Performed> {
  const { host, variables, limits } = context;
  const name = await findPrompt(renderText(step.prompt, variables, step.position), context);
  const args = Object.entries(render(step.args, variables, step.position)).map(([key, value]) => [key, asText(value)]);
  return performTurn(await host.hub.applyPrompt(name, Object.fromEntries(args), limits.signal), context);
}

/** Returns the prompt's name in the host. Waits for servers if the prompt is not known yet. */
async function findPrompt(written: string, context: StepContext): Promise<string> {
  const { hub } = context.host;
  const { mcpResults } = hub;
  const find = () =>
    mcpResults.prompts().find(({ server, own, name }) => `${server}.${own}` === written || name === written);
  if (!find()) await untilOffered(context);
  const found = find();
  if (found) return found.name;
  const names = mcpResults.prompts().map(({ name }) => name);
  throw notOffered(`there is no prompt ${written}${didYouMean(written, names)}`, hub, written);
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * Runs a turn. Rejects with ScriptError if a limit of the script allows no more turns. An error of the turn becomes the failure of the
 * step.
 */
async function performTurn(content: ContentPart[], context: StepContext, output?: OutputFormat): Promise<Performed> {
  const { script, host, limits, conversation, model } = context;
  const { session } = conversation;
  limits.beginTurn();
  const requestId = conversation.nextRequestId();
  const cancel = () => session.cancel(requestId);
  const startedAt = host.now();
  limits.signal.addEventListener("abort", cancel);
  try {
    const turn = await session.submit({
      requestId,
      content,
      model,
      system: script.system,
      output,
      maxToolHops: script.limits.hops,
      streamRecovery: "restart",
      ...script.permissions,
    });
    if (limits.signal.aborted) cancel();
    const { events, refusedLimit } = await follow(turn, context);
    const { text } = summarizeTurn(output ? events.map(withFinalText) : events);
    const outcome = outcomeOf(events, text, host.hub, host.now() - startedAt);
    limits.spend(outcome);
    return { outcome, ...failureIn(outcome, events, { context, refusedLimit }) };
  } finally {
    limits.signal.removeEventListener("abort", cancel);
  }
}

interface FollowedTurn {
  events: StoredEvent[];
  /** The limit of the script that the turn has reached, or undefined. */
  refusedLimit?: "tokens" | "usd";
}

async function follow(turn: LiveTurn, { conversation, answers, script }: StepContext): Promise<FollowedTurn> {
  const followed: FollowedTurn = { events: [] };
  for await (const event of turn.watch()) {
    if (!("seq" in event)) continue;
    followed.events.push(event);
    if (event.type !== "question") continue;
    const limit = limitOf(event.question);
    const isFinal = limit !== undefined && script.limits[limit] !== undefined;
    if (isFinal) followed.refusedLimit = limit;
    conversation.session.answer(event.questionId, isFinal ? false : await answers.to(event.question));
  }
  return followed;
}

/** Returns the limit that a question is about. The limits of a script are enforced by the host as limits of the conversation. */
function limitOf(question: Question): "tokens" | "usd" | undefined {
  if (question.kind !== "limit" || question.scope !== "conversation") return undefined;
  return question.limit === "tokens" || question.limit === "usd" ? question.limit : undefined;
}

function failureIn(
  { stopReason }: StepOutcome,
  events: readonly StoredEvent[],
  { context, refusedLimit }: { context: StepContext; refusedLimit?: "tokens" | "usd" },
): Pick<Performed, "failure" | "expectedBy"> {
  const { signal } = context.limits;
  const { hops } = context.script.limits;
  if (signal.aborted) return { failure: stepFailureOf(signal.reason) };
  if (refusedLimit)
    return { failure: stepFailureOf(reached(refusedLimit, "the turn needs more than the rest of the limit")) };
  const expectedBy = ["stop-reason"];
  if (hops !== undefined && stopReason === "max_tool_hops") {
    return {
      failure: stepFailureOf(reached("hops", `the turn needs more than ${hops} requests with tools`)),
      expectedBy,
    };
  }
  const error = events.findLast((event) => event.type === "turn_error")?.error;
  if (!error) return {};
  const { kind, message, hint } = error;
  return { failure: { kind, message, hint }, ...(!unanswered.includes(kind) && { expectedBy }) };
}

/** Kinds of errors that no assertion can expect. */
const unanswered: readonly string[] = ["cassette", "scripted"] satisfies LlmErrorKind[];

function outcomeOf(events: readonly StoredEvent[], text: string, hub: ToolHub, latencyMs: number): StepOutcome {
  const { stopReason, usage, costUsd, error } = summarizeTurn(events);
  return {
    output: text,
    json: parseJson(text),
    ...(stopReason && { stopReason }),
    calls: calledTools(events).map((call) => calledTool(call, hub)),
    events,
    latencyMs,
    ...(usage && { usage }),
    ...(costUsd !== undefined && { costUsd }),
    ...(error && { error: { kind: error.kind, message: error.message } }),
  };
}

/**
 * Returns the call with the names of its server and tool. If no server currently has the tool, both names are derived from the name that
 * the model wrote.
 */
function calledTool({ call, ...result }: AnsweredCall, hub: ToolHub): CalledTool {
  const [server = "", ...rest] = call.name.split("__");
  const known = hub.tools().find(({ name }) => name === call.name) ?? { server, tool: rest.join("__") };
  return { server: known.server, tool: known.tool, args: parseJson(call.arguments || "{}"), ...result };
}
