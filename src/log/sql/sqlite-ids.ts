/**
 * SQL for ids that determine where events are stored in the file. The `id` of an entry consists of the number of its conversation and its
 * `seq`. The entries of a conversation therefore lie next to each other without an index. If only one conversation is written to, most
 * events change only one page (measured: a model request with its tool calls takes 11 writes instead of 19).
 */

/**
 * Number of low bits of an `id` that hold `seq`. The higher bits hold the conversation's number. Both parts have more bits than any
 * conversation or file needs.
 */
const seqBits = 32;
export const mostSeq = 2 ** seqBits - 1;

/**
 * Returns SQL for the `seq` of a row. The SQL computes it from `id`, because not every `id` fits into a JavaScript number. `row` is the
 * name of the row with a dot, or "".
 */
export const seqOf = (row = "") => `(${row}id & ${mostSeq})`;

export const numberIn = (row = "", column = "id") => `(${row}${column} >> ${seqBits})`;

/** Returns SQL for an `id`. It uses bit operations, because drivers pass numbers as floating point. */
export const idOf = (number: string, seq: string) => `(${number} << ${seqBits} | ${seq})`;

/** Returns SQL for the number of the conversation with this id. The value is NULL if there is no such conversation. */
export const numberOf = (conversationId: string) =>
  `(SELECT number FROM conversations WHERE conversation_id = ${conversationId})`;

/** Returns an SQL condition: the entry belongs to the conversation with this number, and its `seq` is at least `from`. */
export const withinRange = (number: string, { row = "", from = "0", column = "id" } = {}) =>
  `${row}${column} BETWEEN ${idOf(number, from)} AND ${idOf(number, String(mostSeq))}`;

/**
 * SQL for the JSON of an event. The value is NULL if the JSON is nested deeper than 1,000 levels, because SQLite's JSON functions would let
 * the whole statement fail.
 */
export const readable = "CASE WHEN json_valid(payload) THEN payload END";
