/**
 * The turn that an id of OpenAI's APIs names, so that nothing else has to remember it: the id of a response, of an output item, or of a
 * call that the caller runs.
 */
export interface TurnPlace {
  conversationId: string;
  turnId: string;
}

export function responseId(place: TurnPlace): string {
  return `resp_${codeOf(place)}`;
}

/** Returns undefined for an id that no response of this host ever had. */
export function placeOfResponse(id: string): TurnPlace | undefined {
  return placeIn(id.replace(/^resp_/, ""));
}

export function itemId(prefix: string, place: TurnPlace, index: number): string {
  return `${prefix}_${codeOf(place)}_${index}`;
}

/** Returns the id of the call with this index among all calls of the turn. The model's own ids may recur in a later answer. */
export function callId(place: TurnPlace, index: number): string {
  return itemId("call", place, index);
}

/** Returns the turn of an item or a call. Undefined for an id that this host did not make. */
export function placeOfItem(id: string | null | undefined): (TurnPlace & { index: number }) | undefined {
  const [, code = "", index] = /^[a-z]+_(.+)_(\d{1,6})$/.exec(id ?? "") ?? [];
  const place = placeIn(code);
  return place && { ...place, index: Number(index) };
}

/** Prefix of the code for two ids that this host made. Other codes begin with W, as any JSON list of strings does in base64url. */
const compact = "a";

/** Encodes ids that this host made in a short form, since clients and other services limit the length of an id. */
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
  try {
    const place: unknown = JSON.parse(Buffer.from(code, "base64url").toString());
    if (!Array.isArray(place) || place.length !== 2) return undefined;
    const [conversationId, turnId] = place;
    return typeof conversationId === "string" && typeof turnId === "string" ? { conversationId, turnId } : undefined;
  } catch {
    return undefined;
  }
}
