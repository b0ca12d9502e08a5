/** Question before the host starts or something is deleted. It goes to stderr, because stdout is for the command's answer. */
const { stdin, stderr } = process;

export function canAsk(): boolean {
  return stdin.isTTY && stderr.isTTY;
}

/** Asks the question as it is: the caller must make foreign texts in it harmless. */
export async function isAgreed(question: string): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  const line = createInterface({ input: stdin, output: stderr });
  const answer = await line.question(question).finally(() => line.close());
  return /^y(es)?$/i.test(answer.trim());
}
