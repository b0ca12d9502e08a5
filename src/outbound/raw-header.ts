import type { IncomingMessage } from "node:http";

/**
 * Returns one response header by its name in lower case. Node builds `headers` from all of them on first use, which most answers do not
 * need.
 */
export function rawHeader({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const other = rawHeaders[place] as string;
    if (other.length === name.length && other.toLowerCase() === name) return rawHeaders[place + 1];
  }
  return undefined;
}
