import { fstatSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { after } from "../../core/async/timers.js";
import { RequestError } from "../../core/errors.js";

interface Piped {
  stdin: Readable & { fd: number };
  stderr: Writable;
}

/**
 * Returns the prompt of a one-shot run. Piped text comes before the argument, as in `cat log | mcp-platform run "what is wrong?"`. Without
 * an argument, with `-` or with an empty argument, stdin alone is the prompt. `isAttached` is true if files go with the prompt, which may then be
 * empty. Throws RequestError if there is no prompt, or if the text of a shell's pipe does not begin within `withinMs`.
 */
export async function readPrompt(
  argument: string | undefined,
  { stdin, stderr, withinMs, isAttached = false }: Piped & { withinMs?: number | undefined; isAttached?: boolean },
): Promise<string> {
  const input = inputOf(stdin.fd);
  const isEmpty = argument?.trim() === "" && !isAttached;
  if (isEmpty && input === "none") throw new RequestError("usage", "the prompt is empty", { hint: promptHint });
  const prompt = argument === "-" || isEmpty ? undefined : argument;
  if (prompt !== undefined && input === "none") return prompt;
  const isWaitedFor = input === "text" || (input === "socket" && prompt === undefined);
  const text = await readPipedText(stdin, isWaitedFor ? { withinMs, stderr } : { withinMs: firstByteTimeoutMs });
  if (text === undefined && isWaitedFor) {
    const hint = "end the pipe, or add < /dev/null to continue without it";
    throw new RequestError("usage", "no text arrived on stdin within --timeout", { hint });
  }
  if (prompt !== undefined) {
    if (text === undefined) stderr.write("nothing arrived on stdin; continuing with the prompt alone\n");
    return text?.trim() ? `${text.trimEnd()}\n\n${prompt}` : prompt;
  }
  if (text?.trim()) return text;
  throw new RequestError("usage", isEmpty ? "the prompt is empty" : "no prompt", { hint: promptHint });
}

const promptHint = 'give one: mcp-platform run "…", or pipe text in';

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
 * Reads stdin to its end. Resolves to undefined if neither a byte nor the end arrives within `withinMs`. With `stderr`, the user is told after a
 * while that stdin is waited for: a command before it in a shell's pipe may need long for its first byte.
 */
async function readPipedText(
  stdin: Readable,
  { withinMs, stderr }: { withinMs: number | undefined; stderr?: Writable },
): Promise<string | undefined> {
  const begun = new AbortController();
  if (withinMs !== undefined) after(withinMs, () => stdin.destroy(), begun.signal);
  const notice = "waiting for text on stdin; to continue without it, add: < /dev/null\n";
  if (stderr) after(firstByteTimeoutMs, () => stderr.write(notice), begun.signal);
  let text = "";
  try {
    for await (const piece of stdin.setEncoding("utf8")) {
      begun.abort();
      text += piece;
    }
    return text;
  } catch (error) {
    if (stdin.destroyed && text === "") return undefined;
    throw error;
  } finally {
    begun.abort();
  }
}
