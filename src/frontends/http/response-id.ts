/** The id of a response says where it is in the log, so that nothing else has to know. */
export interface ResponsePlace {
  conversationId: string;
  turnId: string;
}

export function responseId({ conversationId, turnId }: ResponsePlace): string {
  return `resp_${Buffer.from(JSON.stringify([conversationId, turnId])).toString("base64url")}`;
}

/** Undefined for what was never an id of this host. */
export function placeOf(id: string): ResponsePlace | undefined {
  try {
    const place: unknown = JSON.parse(Buffer.from(id.replace(/^resp_/, ""), "base64url").toString());
    if (!Array.isArray(place) || place.length !== 2) return undefined;
    const [conversationId, turnId] = place;
    return typeof conversationId === "string" && typeof turnId === "string" ? { conversationId, turnId } : undefined;
  } catch {
    return undefined;
  }
}
