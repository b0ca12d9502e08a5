/** What a file says of itself, known without loading what can change it. */

/** Written into the file's header ("MCPP"), so that a database of another program is never touched. */
export const applicationId = 0x4d435050;

/** The number of steps in `migrations.ts`. */
export const schemaVersion = 9;

/**
 * What this version writes into conversations. Raised with whatever an older version could not go on with: its hosts are given no turn of a
 * conversation that a newer one has written to. 2: results of calls that a caller carried out, at the head of the next turn's history.
 */
export const foldVersion = 2;
