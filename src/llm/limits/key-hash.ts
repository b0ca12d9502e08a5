import { createHash } from "node:crypto";
import { hostname } from "node:os";
import type { Provider } from "../providers/providers.js";

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;
const LENGTH = 32;

/**
 * Whose limits a provider's requests count against, for all nodes: the same endpoint with the same keys, whatever it is called. One on
 * loopback is another one on each machine.
 */
export function keyHashOf({ baseUrl, apiKeys }: Pick<Provider, "baseUrl" | "apiKeys">): string {
  const url = new URL(baseUrl);
  const machine = LOOPBACK.test(url.hostname) ? hostname() : "";
  const path = url.pathname.replace(/\/+$/, "");
  const whole = JSON.stringify([url.origin + path, machine, ...apiKeys.toSorted()]);
  return createHash("sha256").update(whole).digest("hex").slice(0, LENGTH);
}
