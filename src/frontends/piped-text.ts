import { fstat } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { promisify } from "node:util";
import { RequestError } from "../core/errors.js";

interface Piped {
  stdin: Readable & { fd: number };
  stderr: Writable;
}

/**
 * The prompt of a one-shot. What is piped in comes first, then the argument: `cat log | mcp-platform run "what is wrong?"`.
 * Without an argument, or with `-`, stdin is the prompt. Throws RequestError when there is none.
 */
export async function readPrompt(argument: string | undefined, { stdin, stderr }: Piped): Promise<string> {
  if (argument !== undefined && argument !== "-") {
    if (!(await isPiped(stdin.fd))) return argument;
    const piped = await readPipedText(stdin);
    if (piped === undefined) stderr.write("nothing arrived on stdin; going on with the prompt alone\n");
    return piped?.trim() ? `${piped.trimEnd()}\n\n${argument}` : argument;
  }
  const text = await readPipedText(stdin);
  if (text?.trim()) return text;
  throw new RequestError("usage", "no prompt", { hint: 'give one: mcp-platform run "…", or pipe text in' });
}

/** A pipe that nobody writes to must not hold up the prompt for ever; whoever really pipes starts within this time. */
const firstByteTimeoutMs = 3_000;

/**
 * Whether this descriptor is a file or a shell's pipe: something that a user may have meant to be read. Not `fstatSync`: Node 20
 * takes its result for that of the next module's path, and then loads packages behind a symlink (pnpm, npm link) as empty.
 */
async function isPiped(fd: number): Promise<boolean> {
  const stats = await promisify(fstat)(fd).catch(() => undefined);
  return stats !== undefined && (stats.isFIFO() || stats.isFile());
}

/** All of the text; undefined when no first byte and no end arrive in time. */
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
