import { createHash } from "node:crypto";
import type { NewId } from "../../core/ids.js";
import { withoutUnknownPicture } from "../../core/messages.js";

/**
 * Returns the conversation id for a call that names no conversation. If a call is repeated with the same request id, it gets the same
 * conversation id and thus finds its stored answer. A different call with the same request id gets a different conversation id. `call`
 * contains everything that distinguishes two calls; it must be serialisable as JSON.
 */
export function ownConversation(
  requestId: string | undefined,
  call: object,
  { newId, prefix = "conv" }: { newId: NewId; prefix?: string | undefined },
): string {
  if (requestId === undefined) return newId(prefix);
  const digest = createHash("sha256").update(JSON.stringify([requestId, call], withoutUnknownPicture));
  return `${prefix}_${digest.digest("hex").slice(0, 32)}`;
}
