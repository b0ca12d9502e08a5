/** What all drivers of libraries have in common: the turns that the arguments say, in one conversation, and their answers as a line of JSON. */
export async function drive(ways) {
  const [way, ...prompts] = process.argv.slice(2);
  const messages = [];
  const answers = [];
  let error;
  try {
    for (const content of prompts) {
      messages.push({ role: "user", content });
      const answer = await ways[way](messages);
      messages.push({ role: "assistant", content: answer });
      answers.push(answer);
    }
  } catch (thrown) {
    error = told(thrown);
  }
  process.stdout.write(`${JSON.stringify({ answers, error })}\n`);
  process.exit(0);
}

function told(error) {
  const { name, message, status, statusCode, code, lastError, reason } = error;
  return { name, message, status: status ?? statusCode, code, reason, ...(lastError && { last: told(lastError) }) };
}
