/**
 * Makes and reads the ids of responses, output items and the caller's tool calls. An id contains its turn, so no table of ids is needed.
 */
import type { StoredEvent } from "../../../core/events.js";
import { singleCallPrefix } from "../../../core/ids.js";
import { parseJson } from "../../../core/json.js";
import type { ToolCall } from "../../../core/messages.js";

export interface TurnKey {
  conversationId: string;
  turnId: string;
}

export function responseId(turnKey: TurnKey): string {
  return `resp_${codeOf(turnKey)}`;
}

/** Returns the turn of a response. Undefined if the id cannot be from this host. */
export function turnKeyOfResponse(id: string): TurnKey | undefined {
  return turnKeyIn(id.replace(/^resp_/, ""));
}

export function itemId(prefix: string, turnKey: TurnKey, index: number): string {
  return `${prefix}_${codeOf(turnKey)}_${index}`;
}

/**
 * Returns the id of a tool call. `index` is the position of the call among all calls of the turn. The model's own ids are not used, since a
 * later answer may reuse an id.
 */
export function callId(turnKey: TurnKey, index: number): string {
  return itemId("call", turnKey, index);
}

/** Returns the turn of an output item or a tool call. Undefined if the id cannot be from this host. */
export function turnKeyOfItem(id: string | null | undefined): (TurnKey & { index: number }) | undefined {
  const [, code = "", index] = /^[a-z]+_(.+)_(\d{1,6})$/.exec(id ?? "") ?? [];
  const turnKey = turnKeyIn(code);
  return turnKey && { ...turnKey, index: Number(index) };
}

/**
 * First character of a code in the short form, which holds two ids that this host has made, with the prefix of the conversation's id. A code
 * in the long form is a JSON list of strings in base64url, which always begins with W.
 */
const compact = { a: "conv", b: singleCallPrefix };

/** Encodes the ids of a turn. The code is short if this host made both ids, since clients and other services limit the length of an id. */
function codeOf({ conversationId, turnId }: TurnKey): string {
  const [, prefix, ...digits] =
    /^([a-z]+)_([0-9a-f]{32})\nturn_([0-9a-f]{32})$/.exec(`${conversationId}\n${turnId}`) ?? [];
  const short = Object.entries(compact).find(([, known]) => known === prefix);
  if (short) return short[0] + Buffer.from(digits.join(""), "hex").toString("base64url");
  return Buffer.from(JSON.stringify([conversationId, turnId])).toString("base64url");
}

function turnKeyIn(code: string): TurnKey | undefined {
  const prefix = compact[code[0] as keyof typeof compact];
  if (prefix) {
    const digits = Buffer.from(code.slice(1), "base64url").toString("hex");
    if (digits.length !== 64) return undefined;
    return { conversationId: `${prefix}_${digits.slice(0, 32)}`, turnId: `turn_${digits.slice(32)}` };
  }
  const ids = parseJson(Buffer.from(code, "base64url").toString());
  if (!Array.isArray(ids) || ids.length !== 2) return undefined;
  const [conversationId, turnId] = ids;
  const areTexts = typeof conversationId === "string" && typeof turnId === "string";
  // Text with a NUL is not an id. PostgreSQL would fail to read it.
  return areTexts && !`${conversationId}${turnId}`.includes("\0") ? { conversationId, turnId } : undefined;
}

/**
 * Returns the tool calls of the turn's last answer, with the ids that the caller knows. `firstIndex` is the index of the first call among all
 * calls of the turn.
 */
export function lastCalls(events: readonly StoredEvent[], turnKey: TurnKey): { calls: ToolCall[]; firstIndex: number } {
  const answers = events.flatMap((event) => (event.type === "assistant_message" && !event.interrupted ? [event] : []));
  const { toolCalls = [] } = answers.at(-1)?.message ?? {};
  const firstIndex = answers.reduce((sum, { message }) => sum + message.toolCalls.length, 0) - toolCalls.length;
  return { firstIndex, calls: toolCalls.map((call, index) => ({ ...call, id: callId(turnKey, firstIndex + index) })) };
}
