import { ScriptError } from "../../core/errors.js";
import type { Question } from "../../core/events.js";
import { namesTool, parseToolPattern } from "../../core/patterns/tool-pattern.js";
import type { StepOf } from "../shared/script.js";
import type { StepResult } from "../shared/script-result.js";
import { failedStep, passedStep, skippedSteps } from "../shared/step-result.js";
import { render } from "../shared/templates.js";
import type { Variables } from "../shared/variables.js";

interface WaitingAnswer {
  step: StepOf<"answer">;
  value: unknown;
  question?: Question;
}

export class Answers {
  readonly #answers: WaitingAnswer[];

  /** Fills in the templates of the answers. Throws ScriptError for an unknown variable. */
  constructor(steps: readonly StepOf<"answer">[], variables: Variables) {
    this.#answers = steps.map((step) => ({ step, value: render(step.value, variables, step.place) }));
  }

  /** Returns the value of the first unused answer that fits the question. If no answer fits, returns false, which denies the question. */
  to(question: Question): unknown {
    const answer = this.#answers.find((each) => !each.question && fits(each.step.to, question));
    if (!answer) return false;
    answer.question = question;
    return answer.value;
  }

  /** Returns a result for each answer. An answer that was not used counts as failed, or as skipped if the step ended early. */
  results(isStepDone: boolean): StepResult[] {
    return this.#answers.flatMap(({ step, question }) => {
      if (question) return passedStep(step);
      if (!isStepDone) return skippedSteps([step]);
      const hint = step.to ? "its `to` has to fit a question of the step before" : "";
      return failedStep(step, new ScriptError("answer", "nothing was asked that this answers", { hint }));
    });
  }
}

function fits(to: StepOf<"answer">["to"], question: Question): boolean {
  if (to?.tool !== undefined && !(question.kind === "approval" && isNamed(to.tool, question))) return false;
  if (to?.elicitation === undefined) return true;
  return question.kind === "elicitation" && question.message.includes(to.elicitation);
}

function isNamed(text: string, tool: { server: string; tool: string }): boolean {
  const pattern = parseToolPattern(text);
  const facts = { readOnly: false, idempotent: false, destructive: false, openWorld: false };
  return !("problem" in pattern) && namesTool(pattern, { ...facts, ...tool });
}
