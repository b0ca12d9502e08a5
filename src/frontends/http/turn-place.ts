/**
 * The ids that OpenAI's APIs give out name the turn that they are of, so that nothing else has to remember them: a response, an item of its
 * output, and a call that its caller carries out.
 */
export interface TurnPlace {
  conversationId: string;
  turnId: string;
}

export function responseId(place: TurnPlace): string {
  return `resp_${codeOf(place)}`;
}

/** Undefined for an id that was never one of a response of this host. */
export function placeOfResponse(id: string): TurnPlace | undefined {
  return placeIn(id.replace(/^resp_/, ""));
}

/** Of the item with this index in the response's output. */
export function itemId(prefix: string, place: TurnPlace, index: number): string {
  return `${prefix}_${codeOf(place)}_${index}`;
}

/** Of the call with this index among all calls of the turn: the model's own ids may return in a later answer. */
export function callId(place: TurnPlace, index: number): string {
  return itemId("call", place, index);
}

/** The turn that an item or a call is of. Undefined for an id that is not of this host. */
export function placeOfItem(id: string | null | undefined): (TurnPlace & { index: number }) | undefined {
  const [, code = "", index] = /^[a-z]+_(.+)_(\d{1,6})$/.exec(id ?? "") ?? [];
  const place = placeIn(code);
  return place && { ...place, index: Number(index) };
}

/** What comes before the code of two ids as this host makes them. The code of others begins with a W, as the JSON of any list of texts does. */
const compact = "a";

/** Short for ids as this host makes them, since clients and other services have limits for the length of an id. */
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
