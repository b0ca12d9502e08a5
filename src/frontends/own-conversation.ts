import { createHash } from "node:crypto";
import type { NewId } from "../core/ids.js";

/**
 * The conversation of a call that names none. The same call under the same request id finds its answer; another one under the same id
 * is another one. `call`: all that tells calls apart, as JSON.
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
