/** Control characters, which steer terminals, and characters that change the direction of text, which can disguise a command. */
const steering = /(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu;

/** Replaces characters that could deceive the reader of a model's or a server's text. The line break `\r\n` becomes `\n`. */
export function visibleText(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(steering, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : "\ufffd";
  });
}
