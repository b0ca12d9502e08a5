/** One question before the host starts or something is deleted: stdout is for the answer of the command, so stderr asks. */
const { stdin, stderr } = process;

export function canAsk(): boolean {
  return stdin.isTTY && stderr.isTTY;
}

/** `question` is shown as it is: the caller has made what others wrote in it harmless. */
export async function isAgreed(question: string): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  const line = createInterface({ input: stdin, output: stderr });
  const answer = await line.question(question).finally(() => line.close());
  return /^y(es)?$/i.test(answer.trim());
}
