/**
 * What all drivers of libraries have in common: the turns that the arguments say, in one conversation, and their answers as a line of JSON.
 * A way returns the answer, or `{ text, messages }` where the client's own messages of the turn go back in the next one.
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

/** The client's own tool. */
export const weather = { name: "weather", description: "Tells the weather of a city.", result: "cold" };

function told(error) {
  const { name, message, status, statusCode, code, lastError, reason } = error;
  return { name, message, status: status ?? statusCode, code, reason, ...(lastError && { last: told(lastError) }) };
}
