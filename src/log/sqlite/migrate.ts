import { StoreError } from "../../core/errors.js";
import { defaultLeaseMs } from "../../core/turn-leases.js";
import {
  applicationId,
  type MigrationStep,
  otherFile,
  schemaVersion,
  unreleasedId,
  unreleasedLog,
} from "../shared/schema-version.js";
import type { Connection } from "./connection.js";
import { transaction } from "./transaction.js";

/**
 * Migrates the file to the current schema. Each step is a transaction of its own. Throws StoreError.
 */
export async function migrate(
  db: Connection,
  path: string,
  now: () => number,
  own?: readonly MigrationStep[],
): Promise<void> {
  const target = own?.length ?? schemaVersion;
  const versionNow = () => transaction(db, () => versionOf(db, path, target));
  while (versionNow() < target) {
    const steps = own ?? (await import("./schema.js")).sqliteSteps;
    transaction(db, () => {
      const version = versionOf(db, path, target);
      if (version === target) return; // another process migrated the file meanwhile, and may run on it by now
      if (version > 0) requireAlone(db, path, now);
      takeStep(db, version, steps);
    });
  }
}

/** Runs the step that follows `version`. */
function takeStep(db: Connection, version: number, steps: readonly MigrationStep[]): void {
  for (const statement of steps[version] ?? []) db.exec(statement);
  db.exec(`PRAGMA application_id = ${applicationId}`);
  db.exec(`PRAGMA user_version = ${version + 1}`);
}

/**
 * Throws StoreError if other hosts run on the file. They could not write to the migrated file, so they would lose answers that they have
 * already paid for.
 */
function requireAlone(db: Connection, path: string, now: () => number): void {
  if (!db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'nodes'").get()) return;
  const known = db.prepare(`SELECT pid, seen_at AS "seenAt" FROM nodes`).all() as { pid: number; seenAt: number }[];
  const hosts = known.filter(({ seenAt }) => Math.abs(now() - seenAt) < defaultLeaseMs);
  if (hosts.length === 0) return;
  const pids = hosts.map(({ pid }) => pid).join(", ");
  throw new StoreError(
    "locked",
    `${path} needs the migration to this version, but hosts of an earlier version use it`,
    {
      retryable: true,
      hint: `end them (process ${pids}), and start again; one that was killed counts for ${defaultLeaseMs / 1_000} seconds`,
    },
  );
}

function versionOf(db: Connection, path: string, target: number): number {
  const version = pragma(db, "user_version");
  const application = pragma(db, "application_id");
  if (application === unreleasedId) throw unreleasedLog(path, otherFile);
  if (application !== applicationId && !isEmpty(db)) {
    throw new StoreError("open", `${path} is a database of another program`, {
      hint: otherFile,
    });
  }
  if (version > target) {
    const known = `schema ${version}, this version knows ${target}`;
    throw new StoreError("newer_schema", `${path} was written by a newer version of this program (${known})`, {
      hint: `update this program, or ${otherFile}`,
    });
  }
  return version;
}

function isEmpty(db: Connection): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
}

function pragma(db: Connection, name: "user_version" | "application_id"): number {
  const row = db.prepare(`PRAGMA ${name}`).get() as Record<typeof name, number>;
  return row[name];
}
