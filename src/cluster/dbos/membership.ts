import type pg from "pg";
import type { PostgresConfig } from "../../core/config.js";
import { StoreError } from "../../core/errors.js";
import type { Observe } from "../../core/ports.js";
import type { TurnName } from "../../core/store-ports.js";
import { openPool } from "../../log/postgres/connection/pool.js";
import { type Launched, launch } from "./sdk.js";

/** A host within this process. DBOS can give turns to this host. */
export interface Member {
  nodeId: string;
  /** Runs the turn. Resolves with true when the turn has ended, and with false if this host leaves the turn to others. */
  take: (turn: TurnName) => Promise<boolean>;
  /** Called when the turn has ended and DBOS has recorded the end of its workflow. */
  onEnded: (workflowId: string) => void;
}

interface Shared {
  url: string;
  members: Set<Member>;
  /** Members that accept new turns. */
  takers: Set<Member>;
  launched: Promise<Launched>;
  pool: pg.Pool;
}

/** Maximum number of turns that a process has at a time. Turns that wait for a person count too, but cost next to nothing. */
const slots = 1_000;
/** Maximum number of connections for DBOS. A few are enough, because DBOS uses a connection for only some milliseconds per turn. */
export const poolSize = 4;

/** The running instance of DBOS. A process can have only one instance, so all hosts of the process share it. */
let shared: Shared | undefined;
/** Resolves when the previous instance of DBOS has been shut down. */
let leaving: Promise<void> = Promise.resolve();

/**
 * Adds the host to the process's instance of DBOS, and launches an instance if there is none. Rejects with StoreError if the process
 * already takes turns from another database.
 */
export async function join(
  member: Member,
  { config, queues, observe }: { config: PostgresConfig; queues: readonly string[]; observe: Observe },
): Promise<Launched> {
  await leaving;
  shared ??= share(config, member.nodeId, queues, observe);
  if (shared.url !== config.url) {
    throw new StoreError("open", "this process takes turns from another database already", {
      hint: "run one process for each chat.storage.url",
    });
  }
  const { members, takers, launched } = shared;
  members.add(member);
  takers.add(member);
  try {
    const dbos = await launched;
    if (takers.has(member)) dbos.setSlots(slots);
    return dbos;
  } catch (error) {
    await leave(member);
    throw error;
  }
}

/** Stops giving new turns to the member. The member keeps the turns that it already has. May be called more than once. */
export function retire(member: Member): void {
  if (!shared?.takers.delete(member)) return;
  const { takers, launched } = shared;
  launched.then((dbos) => takers.size === 0 && dbos.setSlots(0)).catch(() => {}); // `launched` rejects only if DBOS was never launched
}

/**
 * Removes the member. Its unfinished turns go to other members of this process or, if the removed member was the last one, to other
 * processes. May be called more than once.
 */
export async function leave(member: Member): Promise<void> {
  const left = shared;
  retire(member);
  if (!left?.members.delete(member) || left.members.size > 0) return;
  shared = undefined;
  leaving = end(left);
  await leaving;
}

function share(config: PostgresConfig, nodeId: string, queues: readonly string[], observe: Observe): Shared {
  const takers = new Set<Member>();
  const pool = openPool(config, poolSize);
  const launched = launch({
    pool,
    nodeId,
    queues,
    slots,
    observe,
    async run(turn, workflowId) {
      for (const member of takers) {
        if (!(await member.take(turn))) continue;
        launched.then((dbos) => dbos.written(workflowId)).then(() => member.onEnded(workflowId));
        return;
      }
      // The last member has retired meanwhile, so no member takes this turn. This function must never return: DBOS would record that the
      // turn has ended.
      await launched.then((dbos) => dbos.giveBackOwn()).catch(() => {}); // if this fails, `end` gives the turn back or its lease expires
      await new Promise(() => {});
    },
  });
  launched.catch(() => {});
  return { url: config.url, members: new Set(), takers, launched, pool };
}

async function end({ launched, pool }: Shared): Promise<void> {
  try {
    const dbos = await launched;
    await dbos.stop();
    await dbos.giveBackOwn().catch(() => {}); // if the database is unreachable, other hosts take the turns when their leases expire
    await dbos.shutdown();
  } catch {
    // DBOS was never launched
  } finally {
    await pool.end();
  }
}
