/**
 * Functions that shorten a text to a number of UTF-8 bytes without splitting a character. The limit is in bytes, because the number of
 * tokens depends on the number of bytes.
 */

export function headOf(text: string, maxBytes: number): string {
  return cut(text, maxBytes, (part, length) => part.slice(0, isWithinPair(part, length) ? length - 1 : length));
}

export function tailOf(text: string, maxBytes: number): string {
  return cut(text, maxBytes, (part, length) => {
    const start = part.length - length;
    return part.slice(isWithinPair(part, start) ? start + 1 : start);
  });
}

/** Returns the beginning and the end of the text, with a mark in between. Returns the whole text if it is short enough. */
export function endsOf(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  return `${headOf(text, Math.ceil((maxBytes * 2) / 3))} […] ${tailOf(text, Math.floor(maxBytes / 3))}`;
}

function cut(text: string, maxBytes: number, take: (text: string, length: number) => string): string {
  let part = text.length > maxBytes ? take(text, maxBytes) : text;
  for (let bytes = Buffer.byteLength(part); bytes > maxBytes; bytes = Buffer.byteLength(part)) {
    part = take(part, Math.floor((part.length * maxBytes) / bytes));
  }
  return part;
}

/** True if a cut at this position would split a character. */
export function isWithinPair(text: string, position: number): boolean {
  const unit = text.charCodeAt(position);
  const before = text.charCodeAt(position - 1);
  return unit >= 0xdc00 && unit < 0xe000 && before >= 0xd800 && before < 0xdc00;
}

/** Returns the stop sequence that comes first in the text. Of several at the same position, returns the one that comes first in the list. */
export function firstStop(text: string, sequences: readonly string[]): { at: number; sequence: string } | undefined {
  const found = sequences.map((sequence) => ({ at: text.indexOf(sequence), sequence })).filter(({ at }) => at >= 0);
  return found.sort((one, other) => one.at - other.at)[0];
}

/**
 * Returns the text, cut after this number of characters. The result is a copy: if it were a slice, V8 would keep the whole text in memory.
 */
export function beginningOf(text: string, most: number): string {
  return text.length > most ? `${Buffer.from(text.slice(0, most)).toString()}…` : text;
}
