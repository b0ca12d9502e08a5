import { problemInAnswer } from "../../core/approval.js";
import { ScriptError } from "../../core/errors.js";
import type { Question } from "../../core/events.js";
import { isPlainObject } from "../../core/json.js";
import { namesTool, parseToolPattern } from "../../core/patterns/tool-pattern.js";
import { endsOf } from "../../core/text/excerpt.js";
import { fillIn } from "../../mcp/callbacks/elicitation.js";
import type { StepOf } from "../shared/script.js";
import { failedStep, passedStep, type StepResult, skippedSteps } from "../shared/script-result.js";
import { render } from "../shared/templates.js";
import type { Variables } from "../shared/variables.js";

interface WaitingAnswer {
  step: StepOf<"answer">;
  value: unknown;
  question?: Question;
  /** Why the value does not answer the question. */
  problem?: string;
}

const maxMessageBytes = 200;

export class Answers {
  readonly #answers: WaitingAnswer[];

  /** Fills in the templates of the answers. Throws ScriptError for an unknown variable. */
  constructor(steps: readonly StepOf<"answer">[], variables: Variables) {
    this.#answers = steps.map((step) => ({ step, value: render(step.value, variables, step.position) }));
  }

  /**
   * Resolves with the value of the first unused answer to such a question. Resolves with false, which denies the question, if there is no such
   * answer, and if its value does not fit the question: the answer's result is then a failure.
   */
  async to(question: Question): Promise<unknown> {
    const answer = this.#answers.find((each) => !each.question && isFor(each.step.to, question));
    if (!answer) return false;
    answer.question = question;
    const problem = problemInAnswer(question, answer.value) ?? (await problemInForm(answer.value, question));
    if (problem === undefined) return answer.value;
    if (!isNo(answer.value)) answer.problem = `this does not answer ${nameOf(question)}: ${problem}`;
    return false;
  }

  /**
   * Returns a result for each answer. An answer that was not used counts as failed. If the step ended early or an answer did not fit its
   * question, an unused answer counts as skipped, because its question may be missing for that reason.
   */
  results(isStepDone: boolean): StepResult[] {
    const isAllAsked = isStepDone && this.#answers.every(({ problem }) => problem === undefined);
    return this.#answers.flatMap(({ step, question, problem }) => {
      if (problem !== undefined) return failedStep(step, new ScriptError("answer", problem));
      if (question) return passedStep(step);
      if (!isAllAsked) return skippedSteps([step]);
      const hint = step.to ? "its `to` must match a question of the step before" : "";
      return failedStep(step, new ScriptError("answer", "no question was asked that this answers", { hint }));
    });
  }
}

/** Returns true if the value means no, whatever is asked. A variable may have given the word. */
function isNo(value: unknown): boolean {
  if (typeof value === "string") return /^(n|no|false|decline|cancel)$/i.test(value);
  if (!isPlainObject(value)) return value === false;
  return value.allow === false || value.action === "decline" || value.action === "cancel";
}

function nameOf(question: Question): string {
  switch (question.kind) {
    case "approval":
      return `the question whether ${question.server}.${question.tool} may run`;
    case "elicitation":
      return `the ${"form" in question ? "form" : "page"} "${endsOf(question.message, maxMessageBytes)}"`;
    case "sampling":
      return `the question whether ${question.server} may use the model`;
    case "limit":
      return `the question whether to continue after the limit of ${question.limit}`;
  }
}

function isFor(to: StepOf<"answer">["to"], question: Question): boolean {
  if (to?.tool !== undefined && !(question.kind === "approval" && isNamed(to.tool, question))) return false;
  if (to?.elicitation === undefined) return true;
  return question.kind === "elicitation" && question.message.includes(to.elicitation);
}

function isNamed(text: string, tool: { server: string; tool: string }): boolean {
  const pattern = parseToolPattern(text);
  const facts = { readOnly: false, idempotent: false, destructive: false, openWorld: false };
  return !("problem" in pattern) && namesTool(pattern, { ...facts, ...tool });
}

/**
 * Resolves with why the entered content does not fit the question's form. The host asks such a form again. Resolves with undefined if the
 * content fits, and if the value accepts no form.
 */
export async function problemInForm(value: unknown, question: Question): Promise<string | undefined> {
  if (!("form" in question && isPlainObject(value) && value.action === "accept")) return undefined;
  return (await fillIn(question.form, value.content)).problem;
}
