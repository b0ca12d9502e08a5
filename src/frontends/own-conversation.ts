import { createHash } from "node:crypto";
import type { NewId } from "../core/ids.js";

/**
 * Returns the conversation id of a call that names none. The same call with the same request id gets the same id, and so its stored answer;
 * another call with that request id gets another. `call`: everything that distinguishes calls, as JSON.
 */
export function ownConversation(
  requestId: string | undefined,
  call: object,
  { newId, prefix = "conv" }: { newId: NewId; prefix?: string | undefined },
): string {
  if (requestId === undefined) return newId(prefix);
  const digest = createHash("sha256").update(JSON.stringify([requestId, call]));
  return `${prefix}_${digest.digest("hex").slice(0, 32)}`;
}
