import { parseList } from "./frames.js";

/**
 * A host's offer to send live events directly to its followers, which connect to this address. The offer is sent only over the bus, which
 * is encrypted. So only hosts with access to the log know the secret. Neither `secret` nor `url` is ever logged.
 */
export interface StreamOffer {
  by: string;
  url: string;
  secret: string;
  /** The only machine on which `url` is valid. Undefined if it is valid everywhere. */
  machine?: string;
}

/** Parses a list of offers. Skips offers that are invalid or of a later version. */
export function readOffers(text: string): StreamOffer[] {
  return parseList(text).filter(isOffer);
}

function isOffer(value: unknown): value is StreamOffer {
  if (typeof value !== "object" || value === null) return false;
  const { by, url, secret, machine } = value as Record<keyof StreamOffer, unknown>;
  return [by, url, secret, machine ?? ""].every((text) => typeof text === "string") && URL.canParse(String(url));
}
