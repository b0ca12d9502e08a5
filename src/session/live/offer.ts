import { readList } from "./frames.js";

/**
 * Address at which a host streams directly to its followers. It is sent only over the bus, which is encrypted: only hosts with access to
 * the log know the secret. Neither it nor `url` is ever logged.
 */
export interface Offer {
  by: string;
  url: string;
  secret: string;
  /** Machine on which `url` is valid; undefined: everywhere. */
  machine?: string;
}

/** Parses a list of offers. Skips invalid ones and those of later versions. */
export function readOffers(text: string): Offer[] {
  return readList(text).filter(isOffer);
}

function isOffer(value: unknown): value is Offer {
  if (typeof value !== "object" || value === null) return false;
  const { by, url, secret, machine } = value as Record<keyof Offer, unknown>;
  return [by, url, secret, machine ?? ""].every((text) => typeof text === "string") && URL.canParse(String(url));
}
