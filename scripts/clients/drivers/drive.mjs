/**
 * Runs the turns given in the arguments in one conversation, and prints their answers as a line of JSON. All drivers of libraries use it.
 * A function in `ways` returns the answer, or `{ text, messages }` if the next turn needs the client's own messages of this turn.
 */
export async function drive(ways) {
  const [way, ...prompts] = process.argv.slice(2);
  const messages = [];
  const answers = [];
  let error;
  try {
    for (const content of prompts) {
      messages.push({ role: "user", content });
      const answer = await ways[way](messages);
      const { text, messages: said } =
        typeof answer === "string" ? { text: answer, messages: [{ role: "assistant", content: answer }] } : answer;
      messages.push(...said);
      answers.push(text);
    }
  } catch (thrown) {
    error = told(thrown);
  }
  process.stdout.write(`${JSON.stringify({ answers, error })}\n`);
  process.exit(0);
}

/** A tool that the client itself runs. */
export const weather = { name: "weather", description: "Tells the weather of a city.", result: "cold" };

function told(error) {
  // The AI SDK 5 throws the body of an error event as it came.
  const { name, message = error.error?.message, status, statusCode, code, lastError, reason } = error;
  return { name, message, status: status ?? statusCode, code, reason, ...(lastError && { last: told(lastError) }) };
}
