// SQLite that kills its process with SIGKILL right before or after the n-th transaction is committed: KILL_AT="before 3" | "after 3".
// With KILL_COUNT=FILE the number of commits is kept there.
import { writeFileSync } from "node:fs";
import * as sqlite from "@photostructure/sqlite";

const [when, at] = (process.env.KILL_AT ?? "never 0").split(" ");
let commits = 0;
let isInTransaction = false;

function committed(commit) {
  commits += 1;
  if (when === "before" && commits === Number(at)) process.kill(process.pid, "SIGKILL");
  const result = commit();
  if (process.env.KILL_COUNT) writeFileSync(process.env.KILL_COUNT, String(commits));
  if (when === "after" && commits === Number(at)) process.kill(process.pid, "SIGKILL");
  return result;
}

export class DatabaseSync extends sqlite.DatabaseSync {
  exec(sql) {
    if (/^(BEGIN|COMMIT|ROLLBACK)/.test(sql)) isInTransaction = sql.startsWith("BEGIN");
    return sql === "COMMIT" ? committed(() => super.exec(sql)) : super.exec(sql);
  }

  /** An event by itself is a transaction of one statement. */
  prepare(sql) {
    const statement = super.prepare(sql);
    if (!sql.startsWith("INSERT INTO events")) return statement;
    return {
      get: (...values) => statement.get(...values),
      run: (...values) => statement.run(...values),
      all: (...values) => (isInTransaction ? statement.all(...values) : committed(() => statement.all(...values))),
    };
  }
}
