import { createHash } from "node:crypto";
import type { QuirksConfig } from "../../../core/config.js";
import type { CompletionRequest, ToolCall } from "../../../core/messages.js";

const nine = /^[a-zA-Z0-9]{9}$/;

/**
 * Returns a call's id in the form that the provider accepts. The same id always gives the same result, so a call and its tool result still
 * match.
 */
export function wireToolId(id: string, form: QuirksConfig["toolIds"]): string {
  if (form === "any" || nine.test(id)) return id;
  return createHash("sha256")
    .update(id)
    .digest("base64")
    .replace(/[^a-zA-Z0-9]/g, "")
    .slice(0, 9);
}

/** A call as the model has written it. Its id may be missing, or another call may have the same one. */
export interface WrittenCall extends Omit<ToolCall, "id" | "opaque"> {
  id: string | undefined;
}

/**
 * Returns a function for the calls of one answer, in order. It returns false if an earlier call has the same id, name and arguments: some gateways
 * send a call twice, and it must run once. Calls without an id are never the same.
 */
export function firstOccurrence(): (call: WrittenCall) => boolean {
  const seen = new Set<string>();
  return ({ id, name, arguments: text }) => {
    if (id === undefined) return true;
    const before = seen.size;
    return seen.add(JSON.stringify([id, name, text])).size > before;
  };
}

/**
 * Gives each call a unique id: a new one by `newId` if it has none, or if an earlier call has it, in the answer or in the conversation (`isTaken`).
 */
export function withUniqueIds(
  calls: readonly WrittenCall[],
  newId: () => string,
  isTaken: (id: string) => boolean,
): ToolCall[] {
  const used = new Set<string>();
  return calls.map(({ id, name, arguments: text }) => {
    const own = id === undefined || used.has(id) || isTaken(id) ? newId() : id;
    used.add(own);
    return { id: own, name, arguments: text };
  });
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
