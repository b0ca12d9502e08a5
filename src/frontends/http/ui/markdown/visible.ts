/** Controls, which steer terminals, and embeddings, overrides and isolates, which let a command read as another one. */
const steering = /(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu;

/** Shows characters that would act on the reader as a sign, in text of a model or a server. Line ends become `\n`. */
export function visible(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(steering, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : "\ufffd";
  });
}
