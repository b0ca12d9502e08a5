// SQLite that kills its process with SIGKILL right before or after the n-th transaction is committed: KILL_AT="before 3" | "after 3".
// With KILL_COUNT=FILE the number of commits is kept there.
import { writeFileSync } from "node:fs";
import * as sqlite from "@photostructure/sqlite";

const [when, at] = (process.env.KILL_AT ?? "never 0").split(" ");
let commits = 0;

export class DatabaseSync extends sqlite.DatabaseSync {
  exec(sql) {
    if (sql !== "COMMIT") return super.exec(sql);
    commits += 1;
    if (when === "before" && commits === Number(at)) process.kill(process.pid, "SIGKILL");
    super.exec(sql);
    if (process.env.KILL_COUNT) writeFileSync(process.env.KILL_COUNT, String(commits));
    if (when === "after" && commits === Number(at)) process.kill(process.pid, "SIGKILL");
  }
}
