/** Escapes text for HTML and for quoted attributes. HTML does not allow control characters, so they are replaced by visible characters. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
    .replaceAll(/(?![\n\t])\p{Cc}|[\ud800-\udfff\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
}
