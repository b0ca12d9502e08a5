/**
 * Returns the text, cut after this number of characters. The result is a copy: if it were a slice, V8 would keep the whole text in memory.
 */
export function beginningOf(text: string, most: number): string {
  return text.length > most ? `${Buffer.from(text.slice(0, most)).toString()}…` : text;
}
