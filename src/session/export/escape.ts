/** Escapes text for HTML and for quoted attributes. Control characters, which HTML does not allow, are replaced by visible ones. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
    .replaceAll(/(?![\n\t])\p{Cc}|[\ud800-\udfff\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
}
