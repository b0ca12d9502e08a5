// SQLite that kills its process with SIGKILL right before or after the n-th commit: KILL_AT="before 3" | "after 3". A transaction is one, and
// so is each event that is stored by itself or with others by one statement: how many are together is not the same every time.
// With KILL_COUNT=FILE the number of commits is kept there.
import { writeFileSync } from "node:fs";
import * as sqlite from "@photostructure/sqlite";

const [when, at] = (process.env.KILL_AT ?? "never 0").split(" ");
let commits = 0;
let isInTransaction = false;

function committed(commit, count = 1) {
  const isNow = Number(at) > commits && Number(at) <= commits + count;
  commits += count;
  if (when === "before" && isNow) process.kill(process.pid, "SIGKILL");
  const result = commit();
  if (process.env.KILL_COUNT) writeFileSync(process.env.KILL_COUNT, String(commits));
  if (when === "after" && isNow) process.kill(process.pid, "SIGKILL");
  return result;
}

export class DatabaseSync extends sqlite.DatabaseSync {
  exec(sql) {
    if (/^(BEGIN|COMMIT|ROLLBACK)/.test(sql)) isInTransaction = sql.startsWith("BEGIN");
    return sql === "COMMIT" ? committed(() => super.exec(sql)) : super.exec(sql);
  }

  /** Events of a turn are a transaction of one statement, which has two values an event and five more. */
  prepare(sql) {
    const statement = super.prepare(sql);
    if (!sql.startsWith("INSERT INTO events")) return statement;
    return {
      get: (...values) => statement.get(...values),
      run: (...values) => statement.run(...values),
      all: (...values) => {
        const all = () => statement.all(...values);
        return isInTransaction ? all() : committed(all, (values.length - 5) / 2);
      },
    };
  }
}
