import type { IncomingMessage } from "node:http";

/**
 * Returns the value of one response header. `name` must be in lower case. Does not use `incoming.headers`: Node builds that object from all
 * headers when it is first used, and most responses do not need it.
 */
export function rawHeader({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const other = rawHeaders[place] as string;
    if (other.length === name.length && other.toLowerCase() === name) return rawHeaders[place + 1];
  }
  return undefined;
}
