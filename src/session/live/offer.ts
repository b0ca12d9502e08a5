import { readList } from "./frames.js";

/**
 * Where a process writes directly to whoever follows it. It is said on the bus alone, which is encrypted, so that only processes with rights
 * to the log know the secret; that and `url` come into no log.
 */
export interface Offer {
  by: string;
  url: string;
  secret: string;
  /** Where `url` means that process; undefined: everywhere. */
  machine?: string;
}

/** What is none, or of a later version of this program, is left out. */
export function readOffers(text: string): Offer[] {
  return readList(text).filter(isOffer);
}

function isOffer(value: unknown): value is Offer {
  if (typeof value !== "object" || value === null) return false;
  const { by, url, secret, machine } = value as Record<keyof Offer, unknown>;
  return [by, url, secret, machine ?? ""].every((text) => typeof text === "string") && URL.canParse(String(url));
}
