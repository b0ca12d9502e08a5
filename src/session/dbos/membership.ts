import type pg from "pg";
import type { PostgresConfig } from "../../core/config.js";
import { StoreError } from "../../core/errors.js";
import type { Observe } from "../../core/ports.js";
import type { TurnName } from "../../core/store-ports.js";
import { openPool } from "../../history/postgres/pool.js";
import { type Launched, launch } from "./sdk.js";

/** A host within this process that takes turns. */
export interface Member {
  nodeId: string;
  /** Resolves to false if it leaves the turn to others. */
  take: (turn: TurnName) => Promise<boolean>;
  /** Called when the turn and its workflow have ended. */
  onEnded: (workflowId: string) => void;
}

interface Shared {
  url: string;
  members: Set<Member>;
  /** Members that are given turns. */
  takers: Set<Member>;
  launched: Promise<Launched>;
  pool: pg.Pool;
}

/** Turns that run, or wait for a person, at a time. A waiting turn costs next to nothing. */
const slots = 1_000;
/** Small, as DBOS is busy with a turn for a few milliseconds only. */
export const poolSize = 4;

/** DBOS is a singleton of the process, shared by all its hosts. */
let shared: Shared | undefined;
/** Resolves when the previous instance has ended. */
let leaving: Promise<void> = Promise.resolve();

/** Rejects with StoreError while this process takes turns from another database. */
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

/** Stops giving turns to the member, which keeps those it has. May be called again. */
export function retire(member: Member): void {
  if (!shared?.takers.delete(member)) return;
  const { takers, launched } = shared;
  launched.then((dbos) => takers.size === 0 && dbos.setSlots(0)).catch(() => {}); // never launched
}

/** Gives the member's turns to other members of this process, else to other processes. May be called again. */
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
      // Given while the last member retired. This must not resolve, because that would end the turn.
      await launched.then((dbos) => dbos.giveBackOwn()).catch(() => {}); // otherwise `end` gives it back, or the lease expires
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
    await dbos.giveBackOwn().catch(() => {}); // the database is unreachable: other hosts notice by the lease
    await dbos.shutdown();
  } catch {
    // never launched
  } finally {
    await pool.end();
  }
}
