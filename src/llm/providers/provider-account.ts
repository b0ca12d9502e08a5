import { createHash } from "node:crypto";
import type { Provider } from "./providers.js";

/**
 * Returns an id of the account. A provider accepts the encrypted or signed parts of an answer only from the account for which it made them.
 * Several keys count as one account, that of the first key, because each conversation always uses the same key (`KeyRing`). If a key of
 * another account is used nevertheless, the provider refuses the parts, and the host no longer sends them.
 */
export function accountOf({ baseUrl, apiKeys }: Pick<Provider, "baseUrl" | "apiKeys">): string {
  const whole = JSON.stringify([baseUrl, apiKeys[0] ?? ""]);
  return createHash("sha256").update(whole).digest("hex").slice(0, 12);
}
