const signatures: Record<string, string> = { "image/png": "iVBORw0K", "image/jpeg": "/9j/", "image/gif": "R0lGOD" };

/** Types of pictures that OpenAI and Anthropic accept. */
export const pictureTypes = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/** Returns the media type that the picture really has, if its first bytes tell. */
export function realType(base64: string): string | undefined {
  return Object.keys(signatures).find((type) => base64.startsWith(signatures[type] ?? ""));
}

/** Makes the head of a PNG of that size. */
export function pngOf(width: number, height: number): string {
  const head = Buffer.alloc(24);
  head.write("89504e470d0a1a0a0000000d49484452", "hex");
  head.writeUInt32BE(width, 16);
  head.writeUInt32BE(height, 20);
  return head.toString("base64");
}

/** Returns whether the picture is a PNG with a side of more than 8000 pixels, which is the limit of several vendors. */
export function isTooLarge(base64: string): boolean {
  const bytes = Buffer.from(base64, "base64");
  return (
    realType(base64) === "image/png" &&
    bytes.length >= 24 &&
    Math.max(bytes.readUInt32BE(16), bytes.readUInt32BE(20)) > 8000
  );
}
