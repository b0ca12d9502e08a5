/** Controls steer terminals; embeddings, overrides and isolates let a command read as another one. */
const steering = /(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu;

/** Text of a model or a server, with what would act on its reader shown as a sign. Line ends become `\n`. */
export function visible(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(steering, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : "\ufffd";
  });
}
