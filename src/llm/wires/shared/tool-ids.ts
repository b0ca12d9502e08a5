import { createHash } from "node:crypto";
import type { QuirksConfig } from "../../../core/config.js";
import type { CompletionRequest } from "../../../core/messages.js";

const NINE = /^[a-zA-Z0-9]{9}$/;

/**
 * Returns a call's id in the form that the provider accepts. The same id always gives the same result, so a call and its tool result still
 * match.
 */
export function wireToolId(id: string, form: QuirksConfig["toolIds"]): string {
  if (form === "any" || NINE.test(id)) return id;
  return createHash("sha256")
    .update(id)
    .digest("base64")
    .replace(/[^a-zA-Z0-9]/g, "")
    .slice(0, 9);
}

/**
 * Returns a function that tells whether an id is already used by a call in these messages. Ids may repeat because some servers start to
 * count anew in each answer.
 */
export function callIdsIn(messages: CompletionRequest["messages"]): (id: string) => boolean {
  let ids: Set<string> | undefined;
  return (id) => {
    ids ??= allCallIds(messages);
    return ids.has(id);
  };
}

function allCallIds(messages: CompletionRequest["messages"]): Set<string> {
  const ids = new Set<string>();
  for (const message of messages) {
    if (message.role === "assistant") for (const { id } of message.toolCalls) ids.add(id);
  }
  return ids;
}
