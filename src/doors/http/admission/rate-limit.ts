import { isIPv4, isIPv6, type Socket } from "node:net";

interface Bucket {
  tokens: number;
  at: number;
}

/** Maximum number of token buckets. There is one for each address. Beyond the maximum, the least recently used bucket is dropped. */
const mostBuckets = 10_000;

/** Limits the requests of each address. Each address has a token bucket that refills evenly over a minute. */
export class RateLimit {
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perMinute: number, now: () => number) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /** Takes a token for the address. Returns undefined if there was a token; otherwise the seconds until the next token is available. */
  take(address: string): number | undefined {
    const now = this.#now();
    const known = this.#buckets.get(address) ?? { tokens: this.#perMinute, at: now };
    const gained = (Math.max(0, now - known.at) / 60_000) * this.#perMinute;
    const tokens = Math.min(this.#perMinute, known.tokens + gained);
    this.#buckets.delete(address); // keeps the map ordered by the time of the last call
    this.#buckets.set(address, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    if (this.#buckets.size > mostBuckets) this.#buckets.delete(this.#buckets.keys().next().value ?? "");
    return tokens >= 1 ? undefined : Math.max(1, Math.ceil(((1 - tokens) / this.#perMinute) * 60));
  }
}

/** Number of 16-bit groups of an IPv6 address that form its network (/64). A caller in a network can use every address of the network. */
const networkGroups = 4;

/** Returns the key by which limits count a caller: its IPv4 address, or the network of its IPv6 address. */
export function callerAddress({ remoteAddress = "" }: Pick<Socket, "remoteAddress">): string {
  const mapped = remoteAddress.replace(/^::ffff:/, "");
  if (isIPv4(mapped) || !isIPv6(remoteAddress)) return mapped;
  const [head = "", tail = ""] = remoteAddress.replace(/%.*/, "").split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === "" ? [] : tail.split(":");
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0");
  return `${[...before, ...zeros, ...after].slice(0, networkGroups).join(":")}::/64`;
}
