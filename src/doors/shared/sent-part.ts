/** A part of a message as clients of the message protocol send it. */
export type SentPart =
  | { type: "text"; text: string }
  | { type: "image" | "audio"; data: string; mime_type: string }
  | { type: "file"; data: string; mime_type: string; name?: string | null }
  | { type: "resource_link"; uri: string; name?: string | null; mime_type?: string | null };
