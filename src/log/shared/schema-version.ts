/** Versions that are written into a log. They have a file of their own, so that reading a version does not load the tables. */
import { StoreError } from "../../core/errors.js";

/** Application id in the header of the file ("MCP1"). A file with another id is never changed. */
export const applicationId = 0x4d435031;

/** SQL statements that run in one transaction. */
export type MigrationStep = readonly string[];

/**
 * Version of the schema: the number of steps in each `schema.ts`. The first step makes all tables. A later version appends a step that changes
 * them, and changes no step before it.
 */
export const schemaVersion = 2;

/**
 * Version of the events that this program writes. It is raised when there are new events that older hosts cannot handle. On PostgreSQL, hosts of
 * two versions may run at the same time during an update. A host is not given turns of a conversation that a host of a newer version has
 * written to.
 */
export const foldVersion = 1;

/** Application id of the files that builds before the first release made ("MCPP"). */
export const unreleasedId = 0x4d435050;

/** Advice for a file that cannot be used. */
export const otherFile = "set chat.storage.path to another file";

/** The error for a log that a build before the first release made. `elsewhere` says how to use another log. */
export function unreleasedLog(location: string, elsewhere: string): StoreError {
  return new StoreError("open", `${location} was made by an unreleased build of this program, and cannot be read`, {
    hint: `export its conversations with the build that made it (mcp-platform sessions export ID), and ${elsewhere}`,
  });
}
