const signatures: readonly [mimeType: string, pattern: RegExp][] = [
  ["image/png", /^\x89PNG\r\n/],
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/gif", /^GIF8[79]a/],
  ["image/webp", /^RIFF.{4}WEBP/s],
];

/** Returns the MIME type that the first bytes of a file show. Undefined if it is no image that providers accept. */
export function imageType(bytes: Buffer): string | undefined {
  const start = bytes.toString("latin1", 0, 16);
  return signatures.find(([, pattern]) => pattern.test(start))?.[0];
}
