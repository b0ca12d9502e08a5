import { fstatSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { RequestError } from "../../core/errors.js";

interface Piped {
  stdin: Readable & { fd: number };
  stderr: Writable;
}

/**
 * Returns the prompt of a one-shot run. Piped text comes before the argument, as in `cat log | mcp-platform run "what is wrong?"`. Without
 * an argument, or with `-`, stdin alone is the prompt. Throws RequestError if stdin and argument give no prompt.
 */
export async function readPrompt(argument: string | undefined, { stdin, stderr }: Piped): Promise<string> {
  if (argument !== undefined && argument !== "-") {
    if (!isPiped(stdin.fd)) return argument;
    const piped = await readPipedText(stdin);
    if (piped === undefined) stderr.write("nothing arrived on stdin; going on with the prompt alone\n");
    return piped?.trim() ? `${piped.trimEnd()}\n\n${argument}` : argument;
  }
  const text = await readPipedText(stdin);
  if (text?.trim()) return text;
  throw new RequestError("usage", "no prompt", { hint: 'give one: mcp-platform run "…", or pipe text in' });
}

/** Time limit for the first byte from a pipe. Without it, a pipe that nobody writes to would block the run for ever. */
const firstByteTimeoutMs = 3_000;

/**
 * Returns true if the file descriptor may contain input: it is a file, a shell's pipe, or a socket (the pipe of a Node parent process).
 * `bigint` works around a bug of Node 20: its module loader takes the stale result of the last stat call without `bigint` for the next path
 * that it resolves. If that result was of a FIFO, the loader does not follow symlinks, and packages behind a symlink (pnpm, npm link) load
 * as empty.
 */
function isPiped(fd: number): boolean {
  try {
    const stats = fstatSync(fd, { bigint: true });
    return stats.isFIFO() || stats.isFile() || stats.isSocket();
  } catch {
    return false;
  }
}

/** Reads stdin to its end. Resolves to undefined if neither a byte nor the end arrives in time. */
async function readPipedText(stdin: Readable): Promise<string | undefined> {
  const timer = setTimeout(() => stdin.destroy(), firstByteTimeoutMs);
  let text = "";
  try {
    for await (const piece of stdin.setEncoding("utf8")) {
      clearTimeout(timer);
      text += piece;
    }
    return text;
  } catch (error) {
    if (stdin.destroyed && text === "") return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
