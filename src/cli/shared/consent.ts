/**
 * A yes-or-no question at the terminal, asked before the host starts or something is deleted. It is written to stderr, because stdout is
 * for results.
 */
const { stdin, stderr } = process;

export function canAsk(): boolean {
  return stdin.isTTY && stderr.isTTY;
}

/**
 * Asks the question and returns true if the answer is yes. Prints the question unchanged, so the caller must escape texts that others
 * wrote.
 */
export async function isAgreed(question: string): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  const line = createInterface({ input: stdin, output: stderr });
  const answer = await line.question(question).finally(() => line.close());
  return /^y(es)?$/i.test(answer.trim());
}
