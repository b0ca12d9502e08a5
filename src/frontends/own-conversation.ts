import { createHash } from "node:crypto";
import type { NewId } from "../core/ids.js";

/**
 * The conversation of a call that names none. The same call under the same request id finds its answer; another one under the same id
 * is another one. `call`: all that tells calls apart, as JSON.
 */
export function ownConversation(requestId: string | undefined, call: object, newId: NewId): string {
  if (requestId === undefined) return newId("conv");
  const digest = createHash("sha256").update(JSON.stringify([requestId, call]));
  return `conv_${digest.digest("hex").slice(0, 32)}`;
}
