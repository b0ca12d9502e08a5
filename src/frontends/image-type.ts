const signatures: readonly [mimeType: string, pattern: RegExp][] = [
  ["image/png", /^\x89PNG\r\n/],
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/gif", /^GIF8[79]a/],
  ["image/webp", /^RIFF.{4}WEBP/s],
];

/** Returns the type by the file's first bytes. Undefined if no provider accepts it as an image. */
export function imageType(bytes: Buffer): string | undefined {
  const start = bytes.toString("latin1", 0, 16);
  return signatures.find(([, pattern]) => pattern.test(start))?.[0];
}
