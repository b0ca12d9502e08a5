import { messageOf, ScriptError } from "../core/errors.js";
import { addAll } from "../core/lists/long-lists.js";
import type { rulesOf } from "../session/shared/rules.js";
import { evaluate } from "./sandbox/sandbox.js";
import type { Script, Step, StepOf } from "./shared/script.js";
import { positionText, type ScriptPosition } from "./shared/script-position.js";
import { failedStep, passedStep, type StepResult, skippedSteps } from "./shared/script-result.js";
import { asExpression, isTemplate, render, renderText } from "./shared/templates.js";
import type { Variables } from "./shared/variables.js";
import { Answers } from "./steps/answers.js";
import { type Acting, performStep } from "./steps/perform.js";
import type { StepContext } from "./steps/performed.js";
import type { NamedConversation, ScriptConversations } from "./steps/script-conversations.js";
import type { ScriptHost, ScriptRunOptions } from "./steps/script-host.js";
import type { ScriptLimits } from "./steps/script-limits.js";

interface RunnerParts {
  script: Script;
  host: ScriptHost;
  model: string | undefined;
  limits: ScriptLimits;
  conversations: ScriptConversations;
  rules: ReturnType<typeof rulesOf>;
  updates?: boolean;
  onStep?: ScriptRunOptions["onStep"];
}

/** The state that steps share which run one after another. Each step in a `parallel` step gets a branch of its own. */
interface StepBranch {
  conversation: NamedConversation;
  variables: Variables;
  hasFailed: boolean;
}

export class StepRunner {
  readonly #parts: RunnerParts;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** Runs the steps. Never rejects: errors become part of the results. */
  run(steps: readonly Step[], begin: Omit<StepBranch, "hasFailed">): Promise<StepResult[]> {
    return this.#list(steps, { ...begin, hasFailed: false });
  }

  async #list(steps: readonly Step[], branch: StepBranch): Promise<StepResult[]> {
    const results: StepResult[] = [];
    for (const [step, answers] of withAnswers(steps)) {
      if (branch.hasFailed) addAll(results, this.#reported(skippedSteps([step, ...answers])));
      else addAll(results, await this.#runOrFail(step, answers, branch));
    }
    return results;
  }

  async #runOrFail(step: Step, answers: readonly StepOf<"answer">[], branch: StepBranch): Promise<StepResult[]> {
    try {
      this.#parts.limits.signal.throwIfAborted();
      const results = await this.#runStep(step, answers, branch);
      branch.hasFailed ||= results.some(({ passed }) => !passed);
      return results;
    } catch (error) {
      branch.hasFailed = true;
      return this.#reported([failedStep(step, error), ...skippedSteps(answers)]);
    }
  }

  async #runStep(step: Step, answerSteps: readonly StepOf<"answer">[], branch: StepBranch): Promise<StepResult[]> {
    switch (step.kind) {
      case "set":
        for (const [name, value] of Object.entries(render(step.values, branch.variables, step.position))) {
          branch.variables.set(name, value);
        }
        return this.#reported([passedStep(step)]);
      case "conversation":
        branch.conversation = this.#parts.conversations.open(
          renderText(step.conversation, branch.variables, step.position),
        );
        return this.#reported([passedStep(step)]);
      case "include":
        return this.#inside(step.steps, branch, render(step.values, branch.variables, step.position));
      case "parallel":
        return this.#parallel(step, branch);
      case "repeat":
        return this.#repeat(step, branch);
      case "if":
        return this.#if(step, branch);
      case "answer":
        throw new ScriptError("answer", "no question was asked that this answers");
      default: {
        const { conversation, variables } = branch;
        const answers = new Answers(answerSteps, variables);
        return this.#reported(await this.#act(step, { ...this.#parts, conversation, variables, answers }));
      }
    }
  }

  async #act(step: Acting, context: StepContext): Promise<StepResult[]> {
    const { host, variables } = context;
    const scene = { step: step.name, variables, tools: () => host.hub.tools() };
    const perform = () => performStep(step, context);
    const result = await (host.scripted?.during(scene, perform) ?? perform());
    return [result, ...context.answers.results(!result.error)];
  }

  /** Runs steps that see additional variables. If these steps switch to another conversation, later steps continue in that conversation. */
  async #inside(
    steps: readonly Step[],
    branch: StepBranch,
    values: Readonly<Record<string, unknown>>,
  ): Promise<StepResult[]> {
    const inner = { ...branch, variables: branch.variables.inside(values) };
    const results = await this.#list(steps, inner);
    branch.conversation = inner.conversation;
    return results;
  }

  async #parallel({ steps }: StepOf<"parallel">, branch: StepBranch): Promise<StepResult[]> {
    const { conversations } = this.#parts;
    const branches = withAnswers(steps).map(([step, answers]) => {
      const isPlain = step.kind === "tool" || step.kind === "resource" || step.kind === "set";
      const conversation = isPlain ? branch.conversation : conversations.branch(branch.conversation);
      return this.#list([step, ...answers], { ...branch, conversation });
    });
    return (await Promise.all(branches)).flat();
  }

  async #repeat(step: StepOf<"repeat">, branch: StepBranch): Promise<StepResult[]> {
    const { times, until, max = 1, steps, position } = step;
    const results: StepResult[] = [];
    try {
      for (let index = 0; index < (times ?? max); index++) {
        addAll(results, await this.#inside(steps, branch, { index }));
        if (results.some(({ passed }) => !passed)) return results;
        const variables = branch.variables.inside({ index });
        if (until !== undefined && (await holds(until, { variables, position }))) return results;
      }
      if (until === undefined) return results;
      throw new ScriptError("repeat", `the condition is still false after ${max} rounds: ${until}`);
    } catch (error) {
      return [...results, ...this.#reported([failedStep(step, error)])];
    }
  }

  async #if(step: StepOf<"if">, branch: StepBranch): Promise<StepResult[]> {
    const { condition, position, steps, otherwise } = step;
    const isSo = await holds(condition, { variables: branch.variables, position });
    const choices = [
      { inside: steps, isDone: isSo },
      { inside: otherwise, isDone: !isSo },
    ];
    const results: StepResult[] = [];
    for (const { inside, isDone } of choices) {
      addAll(results, isDone ? await this.#list(inside, branch) : this.#reported(skippedSteps(inside)));
    }
    return results;
  }

  #reported(results: StepResult[]): StepResult[] {
    for (const result of results) this.#parts.onStep?.(result);
    return results;
  }
}

function withAnswers(steps: readonly Step[]): [step: Step, answers: StepOf<"answer">[]][] {
  const grouped: [Step, StepOf<"answer">[]][] = [];
  for (const step of steps) {
    const last = grouped.at(-1);
    if (step.kind === "answer" && last) last[1].push(step);
    else grouped.push([step, []]);
  }
  return grouped;
}

/** Evaluates a condition, which is one template or a JavaScript expression with the script's variables. Rejects with ScriptError. */
export async function holds(
  condition: string,
  { variables, position }: { variables: Variables; position: ScriptPosition },
): Promise<boolean> {
  if (isTemplate(condition)) return Boolean(render<unknown>(condition.trim(), variables, position));
  try {
    return Boolean(await evaluate(asExpression(condition), variables.all()));
  } catch (error) {
    throw new ScriptError("condition", `${positionText(position)}: ${condition}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
