import { fstatSync } from "node:fs";
import type { Readable } from "node:stream";

/** A pipe that nobody writes to must not hold up the prompt for ever; whoever really pipes starts within this time. */
const firstByteTimeoutMs = 3_000;

/** Whether this descriptor is a file or a shell's pipe: something that a user may have meant to be read. */
export function isPiped(fd: number): boolean {
  try {
    const stats = fstatSync(fd);
    return stats.isFIFO() || stats.isFile();
  } catch {
    return false;
  }
}

/** All of the text; undefined when no first byte and no end arrive in time. */
export async function readPipedText(stdin: Readable, timeoutMs = firstByteTimeoutMs): Promise<string | undefined> {
  const timer = setTimeout(() => stdin.destroy(), timeoutMs);
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
