// SQLite that kills its process with SIGKILL right before or after the n-th commit: KILL_AT="before 3" | "after 3". A transaction counts as
// one commit, and so does a writing statement outside of one. Either counts once for each event that it stores, because the number of events
// in it varies. A heartbeat does not count, because their number depends on the time that a turn takes. With KILL_COUNT=FILE the number of
// commits is written to that file.
import { writeFileSync } from "node:fs";
import * as sqlite from "@photostructure/sqlite";

const [when, at] = (process.env.KILL_AT ?? "never 0").split(" ");
let commits = 0;
let isInTransaction = false;
/** Number of events that the open transaction stores. */
let eventsInTransaction = 0;
let isRegistered = false;

function committed(commit, count = 1) {
  const isNow = Number(at) > commits && Number(at) <= commits + count;
  commits += count;
  if (when === "before" && isNow) process.kill(process.pid, "SIGKILL");
  const result = commit();
  if (process.env.KILL_COUNT) writeFileSync(process.env.KILL_COUNT, String(commits));
  if (when === "after" && isNow) process.kill(process.pid, "SIGKILL");
  return result;
}

/** The first write to the table of hosts registers the host. The same statement is its heartbeat from then on. */
function isHeartbeat(sql) {
  if (!sql.startsWith("INSERT INTO nodes")) return false;
  const isFirst = !isRegistered;
  isRegistered = true;
  return !isFirst;
}

export class DatabaseSync extends sqlite.DatabaseSync {
  exec(sql) {
    if (!/^(BEGIN|COMMIT|ROLLBACK)/.test(sql)) return super.exec(sql);
    const count = Math.max(1, eventsInTransaction);
    isInTransaction = sql.startsWith("BEGIN");
    eventsInTransaction = 0;
    return sql === "COMMIT" ? committed(() => super.exec(sql), count) : super.exec(sql);
  }

  /**
   * Counts a writing statement outside of a transaction as a commit. A statement for events has two values for each event, and six more.
   */
  prepare(sql) {
    const statement = super.prepare(sql);
    if (!/^(INSERT|UPDATE|DELETE)/.test(sql)) return statement;
    const storesEvents = sql.includes("(VALUES");
    const countOf = (values) => (storesEvents ? (values.length - 6) / 2 : 1);
    const writing =
      (name) =>
      (...values) => {
        const write = () => statement[name](...values);
        if (isInTransaction && storesEvents) eventsInTransaction += countOf(values);
        return isInTransaction || isHeartbeat(sql) ? write() : committed(write, countOf(values));
      };
    return { get: writing("get"), run: writing("run"), all: writing("all") };
  }
}
