/** Number of bytes that a piece of a stream counts at least: a piece of a single byte takes an object of some 250 bytes, and microseconds. */
export const leastPieceBytes = 256;

/** Returns the number of bytes that a piece of this length counts. */
export const pieceBytes = (length: number) => Math.max(length, leastPieceBytes);
