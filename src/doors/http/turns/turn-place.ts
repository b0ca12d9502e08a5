/**
 * Finds the turn to which an id belongs. Ids of responses, of output items and of the caller's calls contain the turn, so no table of ids
 * is needed.
 */
import { parseJson } from "../../../core/json.js";

export interface TurnPlace {
  conversationId: string;
  turnId: string;
}

export function responseId(place: TurnPlace): string {
  return `resp_${codeOf(place)}`;
}

/** Returns the turn of a response. Undefined if the id cannot be from this host. */
export function placeOfResponse(id: string): TurnPlace | undefined {
  return placeIn(id.replace(/^resp_/, ""));
}

export function itemId(prefix: string, place: TurnPlace, index: number): string {
  return `${prefix}_${codeOf(place)}_${index}`;
}

/**
 * Returns the id of a call. `index` is the position of the call among all calls of the turn. The model's own ids are not used, since a
 * later answer may reuse an id.
 */
export function callId(place: TurnPlace, index: number): string {
  return itemId("call", place, index);
}

/** Returns the turn of an output item or a call. Undefined if this host did not make the id. */
export function placeOfItem(id: string | null | undefined): (TurnPlace & { index: number }) | undefined {
  const [, code = "", index] = /^[a-z]+_(.+)_(\d{1,6})$/.exec(id ?? "") ?? [];
  const place = placeIn(code);
  return place && { ...place, index: Number(index) };
}

/**
 * First character of a code in the short form, which holds two ids that this host has made. A code in the long form is a JSON list of
 * strings in base64url, which always begins with W.
 */
const compact = "a";

/** Encodes the ids of a turn. The code is short if this host made both ids, since clients and other services limit the length of an id. */
function codeOf({ conversationId, turnId }: TurnPlace): string {
  const digits = /^conv_([0-9a-f]{32})\nturn_([0-9a-f]{32})$/.exec(`${conversationId}\n${turnId}`);
  if (digits) return compact + Buffer.from(`${digits[1]}${digits[2]}`, "hex").toString("base64url");
  return Buffer.from(JSON.stringify([conversationId, turnId])).toString("base64url");
}

function placeIn(code: string): TurnPlace | undefined {
  if (code.startsWith(compact)) {
    const digits = Buffer.from(code.slice(1), "base64url").toString("hex");
    if (digits.length !== 64) return undefined;
    return { conversationId: `conv_${digits.slice(0, 32)}`, turnId: `turn_${digits.slice(32)}` };
  }
  const place = parseJson(Buffer.from(code, "base64url").toString());
  if (!Array.isArray(place) || place.length !== 2) return undefined;
  const [conversationId, turnId] = place;
  const areTexts = typeof conversationId === "string" && typeof turnId === "string";
  // Text with a NUL is no id. PostgreSQL would fail to read it.
  return areTexts && !`${conversationId}${turnId}`.includes("\0") ? { conversationId, turnId } : undefined;
}
