import type { IncomingMessage } from "node:http";

/**
 * Returns one response header; `name` is in lower case. Avoids `incoming.headers`: Node builds that object from all headers at its first
 * use, and most answers do not need it.
 */
export function rawHeader({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const other = rawHeaders[place] as string;
    if (other.length === name.length && other.toLowerCase() === name) return rawHeaders[place + 1];
  }
  return undefined;
}
