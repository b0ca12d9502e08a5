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
  const input = inputOf(stdin.fd);
  if (argument !== undefined && argument !== "-") {
    if (input === "none") return argument;
    const piped = await readPipedText(stdin, { mayEndLate: input !== "socket", stderr });
    if (piped === undefined) stderr.write("nothing arrived on stdin; going on with the prompt alone\n");
    return piped?.trim() ? `${piped.trimEnd()}\n\n${argument}` : argument;
  }
  const text = await readPipedText(stdin, { mayEndLate: input !== "none", stderr });
  if (text?.trim()) return text;
  throw new RequestError("usage", "no prompt", { hint: 'give one: mcp-platform run "…", or pipe text in' });
}

/**
 * Time in ms after which the user is told that stdin is waited for. A socket is not waited for any longer if there is a prompt without it:
 * many Node programs give their children one and never end it.
 */
const firstByteTimeoutMs = 3_000;

/**
 * Returns what the file descriptor may contain: the text of a file or of a shell's pipe, or that of a socket (the pipe of a Node parent
 * process). `bigint` works around a bug of Node 20: its module loader takes the stale result of the last stat call without `bigint` for the next path
 * that it resolves. If that result was of a FIFO, the loader does not follow symlinks, and packages behind a symlink (pnpm, npm link) load
 * as empty.
 */
function inputOf(fd: number): "text" | "socket" | "none" {
  try {
    const stats = fstatSync(fd, { bigint: true });
    if (stats.isSocket()) return "socket";
    return stats.isFIFO() || stats.isFile() ? "text" : "none";
  } catch {
    return "none";
  }
}

/**
 * Reads stdin to its end. Resolves to undefined if neither a byte nor the end arrives in time. With `mayEndLate`, there is no such time: a
 * command before it in a shell's pipe may need as long as it likes for its first byte.
 */
async function readPipedText(
  stdin: Readable,
  { mayEndLate, stderr }: { mayEndLate: boolean; stderr: Writable },
): Promise<string | undefined> {
  const timer = setTimeout(() => {
    if (mayEndLate) stderr.write("waiting for text on stdin; to go on without it, add: < /dev/null\n");
    else stdin.destroy();
  }, firstByteTimeoutMs);
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
