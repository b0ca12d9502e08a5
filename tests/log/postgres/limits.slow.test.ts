import { isDeepStrictEqual } from "node:util";
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import pg from "pg";
import type { ChatStore } from "../../../src/core/chat-store.js";
import type { PostgresConfig } from "../../../src/core/config.js";
import { newId } from "../../../src/core/ids.js";
import {
  QueueTimeout,
  type SharedBounds,
  type SharedLane,
  type SharedLimits,
  type Slot,
} from "../../../src/core/shared-limits.js";
import type { Listener } from "../../../src/log/postgres/connection/listener.js";
import { limitsTopic } from "../../../src/log/postgres/limits/database-limits.js";
import { NoticeSeal } from "../../../src/log/postgres/notice-seal.js";
import { openPostgresLog } from "../../../src/log/postgres/open.js";
import { newDatabaseUrl, noPostgres } from "../../support/storages.js";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.js";

const onServer = noPostgres === undefined ? describe : describe.skip;

const key = "k1";
const leaseMs = 4_000;
/** How long a caller waits if it is expected to get a place, in ms. */
const patienceMs = 20_000;
const never = new AbortController().signal;

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Creates an empty database and a connection for looking into it. */
async function start() {
  const url = await newDatabaseUrl();
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  closers.push(() => admin.end());
  const query = async (sql: string, values: unknown[] = []) => (await admin.query(sql, values)).rows;
  return { url, query };
}

interface Node {
  lane: SharedLane;
  limits: SharedLimits;
  store: ChatStore;
  /** Number of statements sent for limits. */
  readonly asked: number;
  paused: number[];
  /** Names of nodes that notified this node that they want places. */
  wanted: string[];
}

async function node(
  url: string,
  nodeId: string,
  bounds: SharedBounds,
  more: Partial<PostgresConfig> = {},
): Promise<Node> {
  const config: PostgresConfig = { driver: "postgres", url, ...more };
  const { store, database, listener } = await openPostgresLog(config, { now: Date.now, observe: () => {}, newId });
  const query = jest.spyOn(database.pool, "query");
  const limits = store.limits?.({ nodeId, machine: "m", pid: 1 }, { leaseMs, observe: () => {} });
  if (!limits) throw new Error("no limits on PostgreSQL");
  const paused: number[] = [];
  const lane = limits.lane(key, bounds, (forMs) => paused.push(forMs));
  closers.push(() => limits.close().then(() => store.close()));
  const wanted: string[] = [];
  listener.subscribe((await NoticeSeal.of(database)).secretChannel(limitsTopic), {
    notice: (payload) => payload && wanted.push(JSON.parse(payload).wanted_by),
    missed: () => {},
  });
  if (config.listen !== false) await hears(listener);
  return {
    lane,
    limits,
    store,
    wanted,
    get asked() {
      return query.mock.calls.length;
    },
    paused,
  };
}

/** Resolves when notices arrive, also on channels that were subscribed to earlier. */
const hears = (listener: Listener) =>
  new Promise<void>((missed) => void listener.subscribe("test_hears", { notice: () => {}, missed }));

/** Starts several equal nodes. */
const nodesOf = (url: string, bounds: SharedBounds, more?: Partial<PostgresConfig>) =>
  Promise.all(["a", "b", "c"].map((name) => node(url, name, bounds, more))) as Promise<[Node, Node, Node]>;

const through = (url: string, { port }: TcpProxy) => {
  const other = new URL(url);
  other.port = String(port);
  return other.href;
};
const leave = (slot: Slot | undefined) => slot?.[Symbol.dispose]();
const until = async (isSo: () => boolean | Promise<boolean>) => {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5));
};

onServer("places over all nodes", () => {
  test("never more than the limit, whoever asks, and everybody gets some", async () => {
    const { url } = await start();
    const nodes = await nodesOf(url, { maxConcurrency: 3 });
    let [now, most] = [0, 0];
    const done = [0, 0, 0];
    const work = async ({ lane }: Node, index: number) => {
      const slot = await lane.acquire(0, never, 60_000);
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 3));
      now--;
      done[index] = (done[index] ?? 0) + 1;
      leave(slot);
    };
    await Promise.all(nodes.flatMap((each, index) => Array.from({ length: 40 }, () => work(each, index))));
    expect([most, done]).toEqual([3, [40, 40, 40]]);
  });

  test("who has places pays nothing for its next requests, and one who wants them gets them at once", async () => {
    const { url, query } = await start();
    const [a, b] = await nodesOf(url, { maxConcurrency: 3 });
    leave(await a.lane.acquire(0, never, patienceMs));
    const { asked } = a;
    for (let times = 0; times < 100; times++) leave(await a.lane.acquire(0, never, patienceMs));
    expect(a.asked - asked).toBeLessThanOrEqual(2);
    expect(await query("SELECT node_id, held FROM limit_leases")).toEqual([{ node_id: "a", held: 3 }]);
    const beganAt = performance.now();
    const slots = await Promise.all([1, 2, 3].map(() => b.lane.acquire(0, never, patienceMs)));
    expect(performance.now() - beganAt).toBeLessThan(900); // before a node would check the tables without a notice
    slots.forEach(leave);
  });

  test("of one place, one after the other: nobody waits for ever", async () => {
    const { url, query } = await start();
    const nodes = await nodesOf(url, { maxConcurrency: 1 });
    const order: string[] = [];
    const first = await nodes[0]?.lane.acquire(0, never, 60_000);
    const all = nodes.flatMap(({ lane }, index) =>
      Array.from({ length: 5 }, async () => {
        const slot = await lane.acquire(0, never, 60_000);
        order.push("abc"[index] ?? "");
        leave(slot);
      }),
    );
    await until(async () => (await query("SELECT 1 FROM limit_leases WHERE waiting = 5")).length === 3);
    leave(first);
    await Promise.all(all);
    // Until a notice arrives, the node that has the place uses it for its own requests.
    const early = order.slice(0, 9);
    expect(["a", "b", "c"].map((name) => early.filter((each) => each === name).length >= 2)).toEqual([
      true,
      true,
      true,
    ]);
  });

  test("without notices (a pooler), what is free is found nevertheless", async () => {
    const { url } = await start();
    const [a, b] = await nodesOf(url, { maxConcurrency: 1 }, { listen: false });
    const slot = await a.lane.acquire(0, never, patienceMs);
    const waiting = b.lane.acquire(0, never, 10_000);
    leave(slot);
    leave(await waiting);
  });

  test("a wait that is too long is over, says that the limit is everybody's, and is not waited for any more", async () => {
    const { url, query } = await start();
    const [a, b] = await nodesOf(url, { maxConcurrency: 1 });
    const slot = await a.lane.acquire(0, never, patienceMs);
    await expect(b.lane.acquire(0, never, 100)).rejects.toEqual(new QueueTimeout("concurrency", true));
    const abort = new AbortController();
    const waiting = b.lane.acquire(0, abort.signal, 10_000);
    abort.abort("enough");
    await expect(waiting).rejects.toBe("enough");
    expect(await b.lane.tryAcquire(0)).toBeUndefined();
    await until(async () => (await query("SELECT 1 FROM limit_leases WHERE waiting > 0")).length === 0);
    leave(slot);
    await until(async () => (await query("SELECT 1 FROM limit_leases WHERE held > 0")).length === 0);
    expect(await b.lane.tryAcquire(0)).toBeDefined();
  });

  test("the places of a node that is buried are free at once, and it counts again when it was not dead", async () => {
    const { url, query } = await start();
    const [a, b] = await nodesOf(url, { maxConcurrency: 2 });
    const kept = await Promise.all([a.lane.acquire(0, never, patienceMs), a.lane.acquire(0, never, patienceMs)]);
    await until(async () => (await query("SELECT sum(held)::int AS held FROM limit_leases"))[0]?.held === 2);
    const waiting = Promise.all([b.lane.acquire(0, never, 10_000), b.lane.acquire(0, never, 10_000)]);
    await until(() => a.wanted.includes("b"));
    await b.store.turns.bury("a", Number.MAX_SAFE_INTEGER);
    const taken = await waiting;
    leave(kept[0]);
    const third = a.lane.acquire(0, never, 20_000);
    leave(taken[0]); // two are still in use
    const places = "SELECT node_id, held, waiting FROM limit_leases ORDER BY node_id";
    const one = (node_id: string, waiting: number) => ({ node_id, held: 1, waiting });
    await until(async () => isDeepStrictEqual(await query(places), [one("a", 1), one("b", 0)]));
    leave(taken[1]);
    leave(await third);
    leave(kept[1]);
  });
});

onServer("rates over all nodes", () => {
  /** Moves the recorded usage back by so many seconds, as if they had passed. */
  const later = (query: (sql: string) => Promise<unknown>, seconds: number) =>
    query(`UPDATE limit_spent SET second = second - ${seconds}`);

  test("rpm: so many and not one more, over all nodes, until a minute has gone by", async () => {
    const { url, query } = await start();
    const nodes = await nodesOf(url, { rpm: 10 });
    const ask = () =>
      Promise.all(
        nodes.flatMap(({ lane }) =>
          Array.from({ length: 8 }, () =>
            lane.acquire(0, never, 2_000).then(
              () => "sent",
              (error: QueueTimeout) => error.bound,
            ),
          ),
        ),
      );
    const count = (answers: string[], what: string) => answers.filter((answer) => answer === what).length;
    const first = await ask();
    expect([count(first, "sent"), count(first, "rpm")]).toEqual([10, 14]);
    await later(query, 50);
    expect(count(await ask(), "sent")).toBe(0);
    await later(query, 13);
    expect(count(await ask(), "sent")).toBe(10);
  });

  test("tpm: estimates count until the true usage is known, on all nodes", async () => {
    const { url, query } = await start();
    const [a, b] = await nodesOf(url, { tpm: 1_000 });
    const slot = await a.lane.acquire(600, never, patienceMs);
    await expect(b.lane.acquire(600, never, 1_000)).rejects.toEqual(new QueueTimeout("tpm", true));
    slot.correct(300);
    await a.limits.close();
    const other = await b.lane.acquire(600, never, 1_000);
    other.correct(5_000);
    await until(async () => (await query("SELECT sum(tokens)::int AS sum FROM limit_spent"))[0]?.sum === 5_300);
    await expect(b.lane.acquire(1, never, 1_000)).rejects.toEqual(new QueueTimeout("tpm", true));
    await later(query, 62);
    leave(await b.lane.acquire(9_999, never, 1_000)); // a request larger than the whole limit is let through if no other usage counts
    expect(await b.lane.tryAcquire(1)).toBeUndefined();
  });

  test("who waits for its moment goes at it, in order, and who does not want to wait gives it back", async () => {
    const { url, query } = await start();
    const [a, b] = await nodesOf(url, { rpm: 1 });
    leave(await a.lane.acquire(0, never, patienceMs));
    await later(query, 58); // the next request may go in three or four seconds
    const abort = new AbortController();
    const gone = a.lane.acquire(0, abort.signal, 5_000);
    await until(async () => (await query("SELECT 1 FROM limit_spent")).length === 2);
    abort.abort("enough");
    await expect(gone).rejects.toBe("enough");
    await until(async () => (await query("SELECT sum(requests)::int AS sum FROM limit_spent"))[0]?.sum === 1);
    leave(await b.lane.acquire(0, never, 5_000)); // if the cancelled request were still charged, this would take a minute
  });

  test("after the database's clock was set back by hours, charges of the time before keep nobody waiting", async () => {
    const { url, query } = await start();
    const a = await node(url, "a", { rpm: 2 });
    leave(await a.lane.acquire(0, never, patienceMs));
    await later(query, -7_200);
    leave(await a.lane.acquire(0, never, 0));
    leave(await a.lane.acquire(0, never, 0));
    await expect(a.lane.acquire(0, never, 1_000)).rejects.toEqual(new QueueTimeout("rpm", true));
  });

  test("a request that waits for a pause to end stays charged", async () => {
    const { url, query } = await start();
    const a = await node(url, "a", { rpm: 2 });
    a.lane.pause(600_000);
    await until(async () => (await query("SELECT 1 FROM limit_keys WHERE paused_until > 0")).length === 1);
    const spend = "SELECT second IS NOT NULL AS charged FROM limit_spend($1, 2, NULL, 0, 1000)";
    const [{ key_hash: hash } = {}] = await query("SELECT key_hash FROM limit_keys");
    for (const charged of [true, true, false]) expect(await query(spend, [hash])).toEqual([{ charged }]);
  });

  test("a request that is repeated from its place counts again", async () => {
    const { url, query } = await start();
    const a = await node(url, "a", { maxConcurrency: 1, rpm: 2 });
    const slot = await a.lane.acquire(0, never, patienceMs);
    await slot.again(never);
    expect(await query("SELECT sum(requests)::int AS sum FROM limit_spent")).toEqual([{ sum: 2 }]);
    leave(slot);
    await expect(a.lane.acquire(0, never, 1_000)).rejects.toEqual(new QueueTimeout("rpm", true));
    expect(await query("SELECT held > 1 AS more FROM limit_leases")).toEqual([{ more: false }]);
  });
});

onServer("a pause that the provider asked for", () => {
  test("is everybody's, also that of who comes later", async () => {
    const { url } = await start();
    const [a, b] = await nodesOf(url, { maxConcurrency: 2 });
    leave(await b.lane.acquire(0, never, patienceMs));
    a.lane.pause(2_500);
    const beganAt = performance.now();
    await until(() => b.paused.length > 0);
    expect([a.paused, b.paused]).toEqual([[], [2_500]]);
    expect(await b.lane.tryAcquire(0)).toBeUndefined();
    const late = await node(url, "late", { maxConcurrency: 2 });
    // The pause does not count as time in the queue.
    await Promise.all([b, late].map(async (each) => leave(await each.lane.acquire(0, never, 1_500))));
    expect(performance.now() - beganAt).toBeGreaterThanOrEqual(2_490);
  });

  test("is over for who comes later if the database's clock was set back by hours", async () => {
    const { url, query } = await start();
    const a = await node(url, "a", { rpm: 2 });
    a.lane.pause(60_000);
    await until(async () => (await query("SELECT 1 FROM limit_keys WHERE paused_until > 0")).length === 1);
    await query("UPDATE limit_keys SET paused_until = paused_until + 7_200_000");
    leave(await (await node(url, "late", { rpm: 2 })).lane.acquire(0, never, 0));
  });
});

onServer("while the database is away", () => {
  test("a node uses what it was given, and nothing else, as long as nobody can have taken it", async () => {
    const { url } = await start();
    await using proxy = await startTcpProxy(Number(new URL(url).port));
    const [a, b] = await nodesOf(through(url, proxy), { maxConcurrency: 3 });
    const held = [await a.lane.acquire(0, never, patienceMs), await a.lane.acquire(0, never, patienceMs)];
    proxy.refuse();
    const beganAt = performance.now();
    let given = false;
    const other = b.lane.acquire(0, never, 5_000).then((slot) => {
      given = true;
      return slot;
    });
    leave(held[0]);
    held[0] = await a.lane.acquire(0, never, 100);
    expect(performance.now() - beganAt).toBeLessThan(leaseMs / 2);
    // After most of a lease nothing is sent: a node that can reach the database may have taken the place. That wait does not count as time
    // in the queue.
    leave(held[1]);
    await new Promise((resolve) => setTimeout(resolve, leaseMs));
    const later = a.lane.acquire(0, never, 300);
    const early = await Promise.race([later, new Promise((resolve) => setTimeout(resolve, 600, "waits"))]);
    expect([early, given]).toEqual(["waits", false]);
    proxy.accept();
    leave(await later);
    leave(held[0]);
    leave(await other);
  });

  test("no request is sent that may not have been charged; it goes when the database is there again", async () => {
    const { url, query } = await start();
    await using proxy = await startTcpProxy(Number(new URL(url).port));
    const a = await node(through(url, proxy), "a", { rpm: 3 });
    leave(await a.lane.acquire(0, never, patienceMs));
    proxy.refuse();
    const waiting = a.lane.acquire(0, never, 100);
    expect(await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 400, "waits"))])).toBe("waits");
    proxy.accept();
    leave(await waiting);
    expect(await query("SELECT sum(requests)::int AS sum FROM limit_spent")).toEqual([{ sum: 2 }]);
  });

  test.each([1, 2, 3])(
    "never more than the limit while connections are reset all the time, seed %d",
    async (seed) => {
      const { url } = await start();
      await using proxy = await startTcpProxy(Number(new URL(url).port));
      const nodes = await nodesOf(through(url, proxy), { maxConcurrency: 3 });
      let state = seed;
      const random = () => {
        state = (state * 16807) % 2147483647;
        return state / 2147483647;
      };
      let [now, most, done] = [0, 0, 0];
      const resets = setInterval(() => proxy.reset(), 100);
      const work = async ({ lane }: Node) => {
        for (let times = 0; times < 5; times++) {
          const slot = await lane.acquire(0, never, 60_000);
          most = Math.max(most, ++now);
          await new Promise((resolve) => setTimeout(resolve, 20 * random()));
          now--;
          done++;
          leave(slot);
        }
      };
      await Promise.all(nodes.flatMap((each) => [work(each), work(each), work(each)]));
      clearInterval(resets);
      expect([most <= 3, done]).toEqual([true, 45]);
    },
    60_000,
  );
});
