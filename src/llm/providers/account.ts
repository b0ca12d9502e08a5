import { createHash } from "node:crypto";
import { hostname } from "node:os";
import type { Provider } from "./providers.js";

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * Names the account at a provider: what it encrypts or signs it takes back from the same one only. Several keys count as one account, by
 * the first of them: a conversation stays with its key (`KeyRing`), and where another account has to take over, its refusal is learnt.
 */
export function accountOf({ baseUrl, apiKeys }: Pick<Provider, "baseUrl" | "apiKeys">): string {
  const whole = JSON.stringify([baseUrl, apiKeys[0] ?? ""]);
  return hashOf(whole, 12);
}

/**
 * Whose limits a provider's requests count against, for all nodes: the same endpoint with the same keys, whatever it is called. One on
 * loopback is another one on each machine.
 */
export function keyHashOf({ baseUrl, apiKeys }: Pick<Provider, "baseUrl" | "apiKeys">): string {
  const url = new URL(baseUrl);
  const machine = LOOPBACK.test(url.hostname) ? hostname() : "";
  const path = url.pathname.replace(/\/+$/, "");
  const whole = JSON.stringify([url.origin + path, machine, ...apiKeys.toSorted()]);
  return hashOf(whole, 32);
}

/** So many characters of a hash in hexadecimal. */
function hashOf(text: string, length: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}
