import { createHash } from "node:crypto";
import { hostname } from "node:os";
import type { Provider } from "./providers.js";

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * Returns an id of the account. A provider takes back encrypted or signed parts only from the account that it made them for. Several keys
 * count as one account, that of the first key: a conversation keeps its key (`KeyRing`), and if another account takes over, the host learns
 * from the refusal.
 */
export function accountOf({ baseUrl, apiKeys }: Pick<Provider, "baseUrl" | "apiKeys">): string {
  const whole = JSON.stringify([baseUrl, apiKeys[0] ?? ""]);
  return hashOf(whole, 12);
}

/**
 * Returns a hash under which all hosts share limits. It is the same for the same endpoint with the same keys, whatever the provider's name.
 * For a loopback endpoint it differs on each machine.
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
