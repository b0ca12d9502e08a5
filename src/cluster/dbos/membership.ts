import type pg from "pg";
import type { PostgresConfig } from "../../core/config.js";
import { StoreError } from "../../core/errors.js";
import type { Observe } from "../../core/ports.js";
import type { TurnName } from "../../core/turn-leases.js";
import type { Database } from "../../log/postgres/connection/database.js";
import { openDbosPool } from "./dbos-pool.js";
import { migrateDbos } from "./migrate-system-tables.js";
import { isUnlaunched, type Launched, launch } from "./sdk.js";

/** A host within this process. DBOS can give turns to this host. */
export interface Member {
  nodeId: string;
  /** Takes the turn over. Resolves with true when that is done, and with false if this host leaves the turn to others. */
  take: (turn: TurnName) => Promise<boolean>;
  /** Called when DBOS has recorded that the turn was taken over, which ends the workflow. */
  onEnded: (workflowId: string) => void;
}

interface Shared {
  url: string;
  /** Id under which DBOS gives turns to this process: the id of its first host. */
  nodeId: string;
  members: Set<Member>;
  launched: Promise<Launched>;
  pool: pg.Pool;
}

/** Maximum number of turns that DBOS gives to a process at a time. It is small, so that several hosts share the turns of a lost one. */
const slots = 8;
/** Maximum number of connections for DBOS. A few are enough, because DBOS uses a connection for only some milliseconds per turn. */
const poolSize = 4;

/** The running instance of DBOS. A process can have only one instance, so all hosts of the process share it. */
let shared: Shared | undefined;
/** Resolves when the previous instance of DBOS has been shut down. */
let leaving: Promise<void> = Promise.resolve();

export interface JoinParts {
  config: PostgresConfig;
  database: Database;
  queues: readonly string[];
  observe: Observe;
}

/**
 * Adds the host to the process's instance of DBOS, and launches an instance if there is none. Rejects with StoreError if the process
 * already takes turns from another database.
 */
export async function join(member: Member, parts: JoinParts): Promise<Launched> {
  await leaving;
  shared ??= share(parts, member.nodeId);
  if (shared.url !== parts.config.url) {
    throw new StoreError("open", "this process already takes turns from another database", {
      hint: "run one process for each chat.storage.url",
    });
  }
  const { members, launched } = shared;
  members.add(member);
  try {
    return await launched;
  } catch (error) {
    await leave(member);
    throw error;
  }
}

/**
 * Stops giving turns to the member. The turns that it was given go to other members of this process; after the last member, to other
 * processes. May be called more than once.
 */
export async function leave(member: Member): Promise<void> {
  const left = shared;
  if (!left?.members.delete(member) || left.members.size > 0) return leaving;
  shared = undefined;
  leaving = end(left);
  await leaving;
}

function share(parts: JoinParts, nodeId: string): Shared {
  const { config, queues, observe } = parts;
  const members = new Set<Member>();
  const pool = openDbosPool(config, poolSize);
  const launched = launchMigrated(parts, {
    ...{ pool, nodeId, queues, slots, observe },
    async run(turn, workflowId) {
      for (const member of members) {
        if (!(await member.take(turn))) continue;
        if (members.size === 0) break;
        launched.then((dbos) => dbos.written(workflowId)).then(() => member.onEnded(workflowId));
        return;
      }
      // The last member has left, and has put the turn back into the queue. The promise must never resolve: if DBOS is still running, it
      // would record that the turn has ended.
      await new Promise(() => {});
    },
  });
  launched.catch(() => {});
  return { url: config.url, members, launched, nodeId, pool };
}

/** Launches DBOS. If that fails, perhaps because its tables are outdated, migrates them and tries again. */
async function launchMigrated({ config, database, observe }: JoinParts, parts: Parameters<typeof launch>[0]) {
  try {
    return await launch(parts);
  } catch (error) {
    if (!(await isUnlaunched(error))) throw error;
    await migrateDbos(config, database, observe);
    return launch(parts);
  }
}

async function end({ launched, nodeId, pool }: Shared): Promise<void> {
  try {
    const dbos = await launched;
    await dbos.shutdown();
    await dbos.giveBack(nodeId).catch(() => {}); // if the database is unreachable, other hosts notice when the lease expires
  } catch {
    // DBOS was never launched
  } finally {
    await pool.end();
  }
}
