/**
 * Returns the text, or its beginning if it is longer than this number of characters. The beginning is a text of its own: V8 would keep the
 * whole text for as long as a slice of it.
 */
export function beginningOf(text: string, most: number): string {
  return text.length > most ? `${Buffer.from(text.slice(0, most)).toString()}…` : text;
}
