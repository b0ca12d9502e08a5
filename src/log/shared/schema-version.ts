/** Versions that are written into a log. They have a file of their own, so that reading a version does not load the migrations. */

/** Application id in the header of the file ("MCPP"). A file with another id is never changed. */
export const applicationId = 0x4d435050;

/** Number of steps in `migrations.ts`. */
export const schemaVersion = 23;

/**
 * Version of the events that this program writes. On PostgreSQL, hosts of two versions may run at the same time during an update. A host
 * is not given turns of a conversation that a host of a newer version has written to. The version is raised when there are new events that
 * older hosts cannot handle. Since version 2, a turn can begin with results of tool calls that a client of the API ran itself. Version 3
 * added data that some providers need to accept the rest of a turn (`kept`), and changes of servers (`catalogue`). Since
 * version 4, the history of an API call is stored as rows of `history_messages`.
 */
export const foldVersion = 4;
