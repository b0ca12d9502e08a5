/** Versions that are written into a log. They have a file of their own, so that reading a version does not load the migrations. */

/** Application id in the header of the file ("MCPP"). A file with another id is never changed. */
export const applicationId = 0x4d435050;

/** Number of steps in `migrations.ts`. */
export const schemaVersion = 10;

/**
 * Version of the events that this program writes. On PostgreSQL, hosts of two versions may run at the same time during an update. A host
 * gets no turn of a conversation to which a host of a newer version has written. The version is raised when there are new events that older
 * hosts cannot handle. Version 2 added results of calls that a caller ran, at the beginning of the next turn's history. Version 3 added
 * data that some providers need to accept the rest of a turn (`kept`), and changes of servers (`catalogue`).
 */
export const foldVersion = 3;
