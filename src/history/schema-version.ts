/** Versions written into a log, kept apart so that they load without the migrations. */

/** Application id in the file's header ("MCPP"), so that another program's database is never touched. */
export const applicationId = 0x4d435050;

/** Number of steps in `migrations.ts`. */
export const schemaVersion = 9;

/**
 * Version of what this program writes into conversations. Raised for anything that an older version could not continue: its hosts get no
 * turn of a conversation that a newer one has written to. 2: results of calls that a caller ran, at the head of the next turn's history.
 */
export const foldVersion = 2;
