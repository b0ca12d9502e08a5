import { createHash } from "node:crypto";
import { hostname } from "node:os";
import type { Provider } from "./providers.js";

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * Returns an id of the account: a provider takes back what it encrypts or signs from the same account only. Several keys count as one
 * account, by the first: a conversation keeps its key (`KeyRing`), and if another account takes over, its refusal is learnt.
 */
export function accountOf({ baseUrl, apiKeys }: Pick<Provider, "baseUrl" | "apiKeys">): string {
  const whole = JSON.stringify([baseUrl, apiKeys[0] ?? ""]);
  return hashOf(whole, 12);
}

/**
 * Returns the key of limits that all hosts share: the same endpoint with the same keys, under any name. A loopback endpoint differs on each
 * machine.
 */
export function keyHashOf({ baseUrl, apiKeys }: Pick<Provider, "baseUrl" | "apiKeys">): string {
  const url = new URL(baseUrl);
  const machine = LOOPBACK.test(url.hostname) ? hostname() : "";
  const path = url.pathname.replace(/\/+$/, "");
  const whole = JSON.stringify([url.origin + path, machine, ...apiKeys.toSorted()]);
  return hashOf(whole, 32);
}

function hashOf(text: string, length: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}
