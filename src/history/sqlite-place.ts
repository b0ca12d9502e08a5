/**
 * SQL of where events are. The `id` of an entry is its conversation's number and its `seq`: what is read together lies together, without an
 * index, and where one conversation is written most events are a page to write (measured: 11 writes a hop in place of 19).
 */

/** Below it is the number: more events than a conversation can have, and more conversations than a file. */
const seqBits = 32;
export const mostSeq = 2 ** seqBits - 1;

/** As a number in JavaScript, `seq` is exact; an `id` need not be. `row` with its dot. */
export const seqOf = (row = "") => `(${row}id & ${mostSeq})`;

export const numberIn = (row = "") => `(${row}id >> ${seqBits})`;

/** Bit by bit, because drivers bind numbers as floating point. */
export const idOf = (number: string, seq: string) => `(${number} << ${seqBits} | ${seq})`;

/** Of the conversation with this id; NULL where there is none. */
export const numberOf = (conversationId: string) =>
  `(SELECT number FROM conversations WHERE conversation_id = ${conversationId})`;

/** All entries of the conversation with this number, from this `seq` on. */
export const within = (number: string, { row = "", from = "0" } = {}) =>
  `${row}id BETWEEN ${idOf(number, from)} AND ${idOf(number, String(mostSeq))}`;
