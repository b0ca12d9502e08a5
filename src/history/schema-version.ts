/** Versions written into a log, kept apart so that they load without the migrations. */

/** Application id in the file's header ("MCPP"), so that another program's database is never touched. */
export const applicationId = 0x4d435050;

/** Number of steps in `migrations.ts`. */
export const schemaVersion = 9;

/**
 * Version of what this program writes into conversations. On PostgreSQL, where hosts of two versions run side by side during an update, a
 * host gets no turn of a conversation that a newer one has written to. Raised for anything that an older host could not continue:
 * 2: results of calls that a caller ran, at the head of the next turn's history.
 * 3: what providers want back (`kept`), without which some refuse the rest of a turn, and the news of servers (`catalogue`).
 */
export const foldVersion = 3;
