import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { isLoopback } from "../../core/text/networks.js";
import type { Provider } from "./providers.js";

/**
 * Returns an id of the account. A provider accepts the encrypted or signed parts of an answer only from the account for which it made them.
 * Several keys count as one account, that of the first key, because each conversation always uses the same key (`KeyRing`). If a key of
 * another account is used nevertheless, the provider refuses the parts, and the host no longer sends them.
 */
export function accountOf({ baseUrl, apiKeys }: Pick<Provider, "baseUrl" | "apiKeys">): string {
  const whole = JSON.stringify([baseUrl, apiKeys[0] ?? ""]);
  return hashOf(whole, 12);
}

/**
 * Returns the hash that identifies a provider in the limits shared by all hosts. The hash depends on the endpoint and its keys, not on the
 * provider's name. For a loopback endpoint, the hash differs on each machine.
 */
export function keyHashOf({ baseUrl, apiKeys }: Pick<Provider, "baseUrl" | "apiKeys">): string {
  const url = new URL(baseUrl);
  const machine = isLoopback(url.hostname) ? hostname() : "";
  const path = url.pathname.replace(/\/+$/, "");
  const whole = JSON.stringify([url.origin + path, machine, ...apiKeys.toSorted()]);
  return hashOf(whole, 32);
}

function hashOf(text: string, length: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}
