const signatures: readonly [mimeType: string, pattern: RegExp][] = [
  ["image/png", /^\x89PNG\r\n/],
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/gif", /^GIF8[79]a/],
  ["image/webp", /^RIFF.{4}WEBP/s],
];

export function isPdf(bytes: Buffer): boolean {
  return bytes.toString("latin1", 0, 5) === "%PDF-";
}

/**
 * Returns the media type of a picture, detected from its first 16 bytes. Undefined if it is not one of the types that all common providers
 * accept: PNG, JPEG, GIF, WebP.
 */
export function pictureType(bytes: Buffer): string | undefined {
  const start = bytes.toString("latin1", 0, 16);
  return signatures.find(([, pattern]) => pattern.test(start))?.[0];
}
