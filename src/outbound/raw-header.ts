import type { IncomingMessage } from "node:http";

/**
 * One response header, its name in lower case. Node makes `headers` of all of them when it is first read, and most answers are read
 * without them.
 */
export function rawHeader({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const other = rawHeaders[place] as string;
    if (other.length === name.length && other.toLowerCase() === name) return rawHeaders[place + 1];
  }
  return undefined;
}
