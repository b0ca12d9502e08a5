/** Controls, which steer terminals; embeddings, overrides and isolates, which disguise a command. */
const steering = /(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu;

/** Replaces characters that would act on the reader of a model's or a server's text. Line ends become `\n`. */
export function visible(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(steering, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : "\ufffd";
  });
}
