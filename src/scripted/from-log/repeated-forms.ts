import type { Question } from "../../core/events.js";
import type { Playable, PlayableTurn } from "../../session/export/playable.js";
import { problemInForm } from "../shared/form-problem.js";

/**
 * Returns the conversation without the forms that the host asked again, because what was entered did not fit. Their last repetition stays, so a
 * replay asks for the form once, and gets the content that fits.
 */
export async function withoutRepeatedForms({ turns, ...others }: Playable): Promise<Playable> {
  return { ...others, turns: await Promise.all(turns.map(withFittingForms)) };
}

async function withFittingForms({ questions, hops, ...turn }: PlayableTurn): Promise<PlayableTurn> {
  const problems = await Promise.all(questions.map(({ question, value }) => problemInForm(value, question)));
  const repeated = new Set<Question>(
    questions.flatMap(({ question }, index) => (problems[index] === undefined ? [] : [question])),
  );
  return {
    ...turn,
    questions: questions.filter(({ question }) => !repeated.has(question)),
    hops: hops.map(({ answer, calls }) => ({
      answer,
      calls: calls.map((call) => ({ ...call, asks: call.asks.filter((asked) => !repeated.has(asked)) })),
    })),
  };
}
