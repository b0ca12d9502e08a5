/** A part of a message as clients of the message protocol send it. */
export type SentPart =
  | { type: "text"; text: string }
  | { type: "image" | "audio"; data: string; mime_type: string }
  | { type: "file"; data: string; mime_type: string; name?: string | null }
  | { type: "resource_link"; uri: string; name?: string | null; mime_type?: string | null };

/** Limit for a text file, in bytes: about 60,000 tokens. A longer text would fill most context windows. */
export const maxTextBytes = 256_000;
/** Limit for a picture, in bytes. Common providers have the same limit. */
export const maxImageBytes = 5_000_000;
