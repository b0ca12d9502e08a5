import pg from "pg";
import type { PostgresConfig } from "../../core/config.js";
import { StoreError } from "../../core/errors.js";
import type { Observe } from "../../core/ports.js";
import type { TurnName } from "../../core/store-ports.js";
import { connectionOf, outliving } from "../../history/postgres/database.js";
import { type Launched, launch } from "./sdk.js";

/** A host of this process that takes turns. */
export interface Member {
  nodeId: string;
  /** False when it leaves the turn to others. */
  take: (turn: TurnName) => Promise<boolean>;
  /** The turn has ended, and so has its workflow. */
  onEnded: (workflowId: string) => void;
}

interface Shared {
  url: string;
  members: Set<Member>;
  launched: Promise<Launched>;
  pool: pg.Pool;
}

/** Turns that run, or wait for a person, at a time. They wait for others, and cost next to nothing while they do. */
const slots = 1_000;
/** DBOS is busy with a turn for a few milliseconds. */
const poolSize = 4;

/** DBOS is one in a process, whichever number of hosts share it. */
let shared: Shared | undefined;
/** The end of the one before. */
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
  const { members, launched } = shared;
  members.add(member);
  try {
    return await launched;
  } catch (error) {
    await leave(member);
    throw error;
  }
}

/** What the member has is given to others: of this process, or else of any. May be called again. */
export async function leave(member: Member): Promise<void> {
  const left = shared;
  if (!left?.members.delete(member) || left.members.size > 0) return;
  shared = undefined;
  leaving = end(left);
  await leaving;
}

export function openPool(config: PostgresConfig): pg.Pool {
  return outliving(new pg.Pool({ ...connectionOf(config), max: poolSize }));
}

function share(config: PostgresConfig, nodeId: string, queues: readonly string[], observe: Observe): Shared {
  const members = new Set<Member>();
  const pool = openPool(config);
  const launched = launch({
    pool,
    nodeId,
    queues,
    slots,
    observe,
    async run(turn, workflowId) {
      for (const member of members) {
        if (!(await member.take(turn))) continue;
        launched.then((dbos) => dbos.written(workflowId)).then(() => member.onEnded(workflowId));
        return;
      }
      await new Promise(() => {}); // an end would be the turn's; it is another process's now
    },
  });
  launched.catch(() => {});
  return { url: config.url, members, launched, pool };
}

async function end({ launched, pool }: Shared): Promise<void> {
  try {
    const dbos = await launched;
    await dbos.stop();
    await dbos.giveBackOwn().catch(() => {}); // the database is away: others find out by the lease
    await dbos.shutdown();
  } catch {
    // never launched
  } finally {
    await pool.end();
  }
}
