import { createHash } from "node:crypto";
import type { CompletionRequest } from "../../../core/chat.js";
import type { QuirksConfig } from "../../../core/config.js";

const NINE = /^[a-zA-Z0-9]{9}$/;

/** The id of a tool call as the provider takes it: the same for the call and for its result, in this request and the next. */
export function wireToolId(id: string, form: QuirksConfig["toolIds"]): string {
  if (form === "any" || NINE.test(id)) return id;
  return createHash("sha256")
    .update(id)
    .digest("base64")
    .replace(/[^a-zA-Z0-9]/g, "")
    .slice(0, 9);
}

/** Whether an id is of a call in these messages: servers that count their calls anew in every answer give the same one twice. */
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
