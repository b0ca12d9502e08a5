import { createHash } from "node:crypto";
import type { Provider } from "./providers.js";

/** Characters of a hash in hexadecimal. */
const LENGTH = 12;

/**
 * Names the account at a provider: what it encrypts or signs it takes back from the same one only. Several keys are meant to be of one
 * account, so the first one counts.
 */
export function accountOf({ baseUrl, apiKeys }: Pick<Provider, "baseUrl" | "apiKeys">): string {
  const whole = JSON.stringify([baseUrl, apiKeys[0] ?? ""]);
  return createHash("sha256").update(whole).digest("hex").slice(0, LENGTH);
}
