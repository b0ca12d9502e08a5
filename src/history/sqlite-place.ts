/**
 * SQL of where events are. An entry's `id` is its conversation's number and its `seq`, so a conversation's entries lie together without an
 * index. If only one conversation is written, most events write one page (measured: 11 writes per hop instead of 19).
 */

/**
 * Bits of `seq` in an `id`; the number is above them. That is more events than a conversation and more conversations than a file can have.
 */
const seqBits = 32;
export const mostSeq = 2 ** seqBits - 1;

/** Returns SQL of `seq`, which is exact as a JavaScript number; an `id` may not be. `row` includes its dot. */
export const seqOf = (row = "") => `(${row}id & ${mostSeq})`;

export const numberIn = (row = "") => `(${row}id >> ${seqBits})`;

/** Returns SQL of the `id`, with bit operations, because drivers bind numbers as floating point. */
export const idOf = (number: string, seq: string) => `(${number} << ${seqBits} | ${seq})`;

/** Returns SQL of the number of the conversation with this id; NULL if there is none. */
export const numberOf = (conversationId: string) =>
  `(SELECT number FROM conversations WHERE conversation_id = ${conversationId})`;

/** Returns the SQL condition for all entries of the conversation with this number, from this `seq` on. */
export const within = (number: string, { row = "", from = "0" } = {}) =>
  `${row}id BETWEEN ${idOf(number, from)} AND ${idOf(number, String(mostSeq))}`;

/** SQL of an event's JSON; NULL where it is nested deeper than SQLite's functions read (1,000 levels), which fail the whole statement. */
export const readable = "CASE WHEN json_valid(payload) THEN payload END";
