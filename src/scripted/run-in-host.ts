import { RequestError, ScriptError } from "../core/errors.js";
import type { ServerStatus } from "../core/ports.js";
import { rulesOf } from "../session/shared/rules.js";
import { transcriptOf } from "./script-transcript.js";
import { innerSteps, type Script, type Step } from "./shared/script.js";
import {
  type Failure,
  type ScriptResult,
  type StepResult,
  skippedSteps,
  stepFailureOf,
} from "./shared/script-result.js";
import { Variables } from "./shared/variables.js";
import { StepRunner } from "./step-runner.js";
import { ScriptConversations } from "./steps/script-conversations.js";
import type { ScriptHost, ScriptRunOptions } from "./steps/script-host.js";
import { ScriptLimits } from "./steps/script-limits.js";
import { namesServer } from "./steps/server-wait.js";

/** Name of the conversation with which a script begins. */
const main = "main";

/** Runs a script in a host. Errors of the model, a server or the script do not reject the promise; they become part of the result. */
export async function runInHost(
  script: Script,
  host: ScriptHost,
  { model = script.model, vars = {}, matrix = {}, signal, updates, onStep }: ScriptRunOptions = {},
): Promise<ScriptResult> {
  const startedAt = host.now();
  using limits = new ScriptLimits(script.limits, signal);
  const conversations = new ScriptConversations(host.sessions);
  const rules = rulesOf(script.permissions, host.defaults, host.sessions.approvals());
  const runner = new StepRunner({ script, host, model, limits, conversations, rules, updates, onStep });
  const begin = {
    conversation: conversations.open(main),
    variables: new Variables({ ...script.vars, ...matrix, ...vars }),
  };

  let used = model ?? "";
  let steps: StepResult[] = [];
  let error: Failure | undefined;
  try {
    used = modelName(host, model);
    await requireServers(script, host, limits.signal);
    steps = await runner.run(script.steps, begin);
    error = endOf(steps);
  } catch (thrown) {
    error = stepFailureOf(limits.signal.aborted ? thrown : (missIn(host) ?? thrown));
    steps = skippedSteps(script.steps);
  }
  return {
    ...resultOf(script, { model: used, matrix, steps, error }),
    durationMs: host.now() - startedAt,
    ...(limits.usage && { usage: limits.usage }),
    ...(limits.costUsd !== undefined && { costUsd: limits.costUsd }),
    transcript: await transcript(conversations),
  };
}

/**
 * Returns the first request that the cassette or the scripted replies could not answer, as an error. Such a request may be the reason why a
 * server is missing.
 */
function missIn({ misses = [] }: ScriptHost): ScriptError | undefined {
  return misses.flatMap(({ kind, said }) => said.map((text) => new ScriptError(kind, text)))[0];
}

/** Returns the result of a script whose host could not be started. */
export function unbegun(
  script: Script,
  error: unknown,
  { model = script.model, matrix = {} }: ScriptRunOptions,
): ScriptResult {
  const steps = skippedSteps(script.steps);
  return {
    ...resultOf(script, { model: model ?? "", matrix, steps, error: stepFailureOf(error) }),
    durationMs: 0,
    transcript: "",
  };
}

interface Ran {
  model: string;
  matrix: ScriptResult["vars"];
  steps: StepResult[];
  error: Failure | undefined;
}

function resultOf({ name, position }: Script, { model, matrix, steps, error }: Ran) {
  const passed = !error && steps.every((step) => step.passed);
  return { name, file: position.file, model, vars: matrix, passed, steps, ...(error && { error }) };
}

function modelName(host: ScriptHost, given: string | undefined): string {
  const { provider, model } = host.resolveModel(given);
  return `${provider}/${model}`;
}

/** Returns the first error that ends the whole script and not only its step: a reached limit or a cancellation. */
function endOf(steps: readonly StepResult[]): Failure | undefined {
  const kinds: readonly string[] = ["limit", "aborted"] satisfies ScriptError["kind"][];
  return steps.map(({ error }) => error).find((each) => each && kinds.includes(each.kind));
}

async function transcript(conversations: ScriptConversations): Promise<string> {
  const spoken = conversations.all().map(async ({ name, session }) => ({ name, events: await session.history() }));
  return transcriptOf(await Promise.all(spoken));
}

/**
 * Waits until each server that the script has or names is ready or has failed. Rejects with RequestError if one of the servers cannot be used.
 * A step waits itself for servers that the script does not name (see `untilOffered`). Rejects with the reason of `signal` if the signal is aborted.
 */
async function requireServers(script: Script, host: ScriptHost, signal: AbortSignal): Promise<void> {
  const known = host.hub.servers();
  const own = script.mcpServers && Object.keys(script.mcpServers);
  const named = own ?? known.map(({ name }) => name).filter((name) => isNamed(script.steps, name));
  await Promise.race([host.ready(named), aborted(signal)]);
  const down = host.hub.servers().find((server) => named.includes(server.name) && isDown(server));
  if (!down) return;
  const reason = down.reason ?? `it is ${down.state}`;
  throw new RequestError("required_server_down", `mcpServers.${down.name}: ${reason}`, {
    hint: "the script cannot begin without this server",
  });
}

const isDown = ({ state }: ServerStatus) => state === "failed" || state === "needs_auth";

function isNamed(steps: readonly Step[], server: string): boolean {
  return steps.some((step) => {
    if (step.kind === "tool") return namesServer(step.tool, server);
    if (step.kind === "prompt") return namesServer(step.prompt, server);
    return isNamed(innerSteps(step) ?? [], server);
  });
}

function aborted(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}
