import { uptime } from "node:os";
import { StoreError } from "../../core/errors.js";
import { thisMachine } from "../../core/files/this-machine.js";
import { isGone, isOfThisBoot } from "../shared/host-process.js";
import type { Connection } from "./connection.js";
import { FileAccess } from "./file-access.js";
import { SqliteReader } from "./reader.js";
import { moveAside } from "./store-errors.js";
import { SqliteTurns } from "./turns.js";

interface CrashCheckParts {
  path: string;
  busyTimeoutMs: number;
  now: () => number;
  /** Identity of this machine and its boot. Default: `thisMachine()`. */
  machine?: string;
  /** Start of this machine, in ms since the epoch. Default: according to the system. */
  bootedAt?: number;
}

/** Time, in ms, without a heartbeat after which a host on another machine may have crashed. Hosts send a heartbeat every few seconds. */
const silentMs = 30_000;

/** A heartbeat in the future counts as silence, too: the clock was set back, so nothing is known of the time since. */
const isSilent = (ms: number) => ms >= silentMs || ms < 0;

/**
 * Checks the file for damage if the machine of a host may have crashed. The crash of a process alone cannot damage the file, so nothing is
 * checked while this machine has not been restarted since the host's last heartbeat. After the check, removes the hosts whose process has
 * certainly ended, so that the check is not repeated. Throws StoreError.
 */
export async function checkAfterCrash(db: Connection, parts: CrashCheckParts): Promise<void> {
  const { path, busyTimeoutMs, now } = parts;
  if (!db.prepare("SELECT 1 FROM nodes LIMIT 1").get()) return;
  const { machine = thisMachine(), bootedAt = now() - uptime() * 1_000 } = parts;
  const turns = new SqliteTurns(db, now, new FileAccess(db, { path, patienceMs: busyTimeoutMs }));
  const suspects = (await turns.nodes()).filter(
    (node) => !isOfThisBoot(node, machine, bootedAt) && (isSilent(node.silentMs) || isGone(node, machine, "sqlite")),
  );
  if (suspects.length === 0) return;
  const reader = new SqliteReader({ path, busyTimeoutMs });
  const checking = reader.rows<{ quick_check: string }>("PRAGMA quick_check(1)");
  const [found] = await checking.finally(() => reader.close());
  if (found?.quick_check !== "ok") {
    throw new StoreError("corrupt", `the event log ${path} is damaged: ${found?.quick_check}`, {
      hint: `${moveAside(path)} and start again; sqlite3's .recover reads the parts that are not damaged`,
    });
  }
  for (const node of suspects) if (isGone(node, machine, "sqlite")) await turns.bury(node.nodeId, node.seenAt);
}
