import { messageOf, ScriptError } from "../../core/errors.js";
import { check } from "../assertions/assertions.js";
import type { AssertionParts } from "../assertions/kind.js";
import { evaluate } from "../sandbox/sandbox.js";
import { readPath } from "../shared/json-path.js";
import type { StepOf } from "../shared/script.js";
import {
  type AssertionResult,
  type Failure,
  failedStep,
  passedStep,
  type StepResult,
  stepFailureOf,
} from "../shared/script-result.js";
import { hasTemplate, render } from "../shared/templates.js";
import type { Performed, StepContext } from "./performed.js";
import { performResource } from "./resource.js";
import { performTool } from "./tool.js";
import { performPrompt, performUser } from "./turn.js";

export type Acting = StepOf<"user" | "tool" | "prompt" | "resource">;

/** Performs a step, saves its variables and checks its assertions. Never rejects. */
export async function performStep(step: Acting, context: StepContext): Promise<StepResult> {
  const { host } = context;
  const startedAt = host.now();
  const miss = watchMisses(host);
  const judge = judgeWithin(context);
  let performed: Performed | undefined;
  try {
    performed = await perform(step, context);
    const missed = miss();
    const failure = missed ? stepFailureOf(missed) : unexpected(step, performed);
    if (!failure) save(step, performed, context);
    const assertions = await checked(step, performed, context, judge.ask);
    const isMet = (each: AssertionResult) => each.passed || (context.updates === true && "actual" in each);
    const passed = !failure && assertions.every(isMet);
    const error = failure ?? (passed ? undefined : (judge.refusal() ?? endedBy(context)));
    const { outcome } = performed;
    const durationMs = host.now() - startedAt;
    return passedStep(step, { passed, outcome, assertions, durationMs, ...(error && { error }) });
  } catch (error) {
    const { outcome } = performed ?? {};
    return failedStep(step, miss() ?? error, { durationMs: host.now() - startedAt, ...(outcome && { outcome }) });
  }
}

/**
 * Returns a function that returns the first miss since this call, or undefined. A miss is a request that the cassette or the scripted
 * replies could not answer. The first miss is usually the cause of all later errors.
 */
function watchMisses({ misses = [] }: StepContext["host"]): () => ScriptError | undefined {
  const before = misses.map(({ said }) => said.length);
  return () => {
    const fresh = misses.flatMap(({ kind, said }, index) =>
      said.slice(before[index]).map((text) => new ScriptError(kind, text)),
    );
    return fresh[0];
  };
}

function perform(step: Acting, context: StepContext): Promise<Performed> {
  switch (step.kind) {
    case "user":
      return performUser(step, context);
    case "tool":
      return performTool(step, context);
    case "prompt":
      return performPrompt(step, context);
    case "resource":
      return performResource(step, context);
  }
}

function unexpected({ assert }: Acting, { failure, expectedBy = [] }: Performed): Failure | undefined {
  return assert.some(({ type }) => expectedBy.includes(type)) ? undefined : failure;
}

/**
 * Returns `ask` and `refusal`. `ask` asks the judge, a model that decides about an assertion, or throws if a limit of the script is
 * reached. `refusal` returns the error of this limit, or undefined if no limit was reached.
 */
function judgeWithin({ host, limits }: StepContext): { ask: AssertionParts["ask"]; refusal(): Failure | undefined } {
  let refusal: Failure | undefined;
  const ask: AssertionParts["ask"] = async (question) => {
    try {
      limits.requireLeft();
    } catch (error) {
      refusal = stepFailureOf(error);
      throw error;
    }
    const { text, ...spent } = await host.ask(question, limits.signal);
    limits.spend(spent);
    return text;
  };
  return { ask, refusal: () => refusal };
}

/** If the script was aborted while the judge was asked, returns the reason of the abort. Otherwise returns undefined. */
function endedBy({ limits: { signal } }: StepContext): Failure | undefined {
  return signal.aborted ? stepFailureOf(signal.reason) : undefined;
}

/** Sets the variables of the step's `save`. Called before the assertions are checked, because they may use these variables. */
function save(step: Acting, { outcome }: Performed, { variables }: StepContext): void {
  for (const [name, path] of Object.entries(step.save)) {
    try {
      variables.set(name, readPath(path, outcome));
    } catch (error) {
      throw new ScriptError("save", messageOf(error), { cause: error });
    }
  }
}

function checked(
  step: Acting,
  { outcome }: Performed,
  { variables }: StepContext,
  ask: AssertionParts["ask"],
): Promise<AssertionResult[]> {
  const checks = step.assert.map(async ({ position, ...assertion }) => {
    const written = { ...render(assertion, variables, position), position };
    const { actual, ...result } = await check(written, outcome, { evaluate, ask, vars: variables.all() });
    return actual === undefined || hasTemplate(assertion.value) ? result : { ...result, actual };
  });
  return Promise.all(checks);
}
