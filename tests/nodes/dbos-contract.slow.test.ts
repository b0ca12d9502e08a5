/** Behaviour of DBOS on which src/cluster/dbos/sdk.ts relies. A new version that differs fails here first. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type pg from "pg";
import { openDbosPool } from "../../src/cluster/dbos/dbos-pool.js";
import { isUnlaunched, type Launched, launch, migrateSystemTables, openQueue } from "../../src/cluster/dbos/sdk.js";
import { StoreError } from "../../src/core/errors.js";
import type { Observation } from "../../src/core/ports.js";
import type { TurnName } from "../../src/core/turn-leases.js";
import { until } from "../support/mcp-hub.js";
import { query } from "../support/postgres.js";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.js";
import { onServer } from "./cluster.js";

onServer("DBOS", (server) => {
  let url: string;
  let proxy: TcpProxy;
  let pool: pg.Pool;
  let dbos: Launched;
  let unlaunched: unknown;
  let put: Awaited<ReturnType<typeof openQueue>>;
  const seen: Observation[] = [];
  const observe = (each: Observation) => void seen.push(each);
  const given: string[] = [];
  let run: (turn: TurnName, workflowId: string) => Promise<void>;

  beforeAll(async () => {
    url = await server().database();
    proxy = await startTcpProxy(server().port);
    pool = openDbosPool({ driver: "postgres", url: url.replace(`:${server().port}/`, `:${proxy.port}/`) }, 10);
    put = await openQueue(pool, observe);
    const queues = ["turns-v1"];
    const parts = { pool, nodeId: "node_1", queues, slots: 3, observe };
    const launched = () => launch({ ...parts, run: (turn, workflowId) => run(turn, workflowId) });
    unlaunched = await launched().catch((error: unknown) => error);
    await migrateSystemTables(pool, observe);
    dbos = await launched();
  });
  afterAll(async () => {
    await dbos.shutdown();
    await pool.end();
    await proxy[Symbol.asyncDispose]();
  });

  const turn = (conversationId: string, place = 1) => ({
    conversationId,
    turnId: `turn_${conversationId}_${place}`,
    requestId: "r",
    place,
    fold: 1,
  });

  /** Puts a turn on the queue in its own transaction, which ends with `end`. */
  async function enqueue(conversationId: string, place = 1, end: "COMMIT" | "ROLLBACK" = "COMMIT", queue = "turns-v1") {
    const client = await pool.connect();
    let isBroken = true;
    try {
      await client.query("BEGIN");
      const named = turn(conversationId, place);
      await put(client, queue, `${conversationId}/${named.turnId}/${place}`, named);
      await client.query(end);
      isBroken = false;
    } finally {
      client.release(isBroken);
    }
  }

  /** Makes runs wait until they are released. Returns the releases by workflow. */
  function held() {
    const releases = new Map<string, () => void>();
    given.length = 0;
    run = (_turn, workflowId) => {
      given.push(workflowId);
      return new Promise((resolve) => releases.set(workflowId, resolve));
    };
    return async (workflowId: string) => {
      const written = dbos.written(workflowId);
      releases.get(workflowId)?.();
      await written;
    };
  }
  /** Returns true for the error of a connection that is away. Throws any other error. */
  function isAway(error: unknown): boolean {
    if (error instanceof StoreError) return true;
    throw error;
  }
  const rows = (sql: string) => query(url, sql);

  /** Waits until these turns have been given, in any order. */
  async function untilGiven(...workflowIds: string[]) {
    await until(() => given.length >= workflowIds.length);
    expect(given.toSorted()).toEqual(workflowIds.toSorted());
  }

  test("does not start without its tables, makes them, and is told where to log", async () => {
    expect(await isUnlaunched(unlaunched)).toBe(true);
    expect(seen.some(({ message }) => message.includes("DBOS launched"))).toBe(true);
    expect(seen.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  });

  test("gives what a committed transaction has put on the queue, and nothing else", async () => {
    const release = held();
    await enqueue("undone", 1, "ROLLBACK");
    await enqueue("newer", 1, "COMMIT", "turns-v2");
    await enqueue("a");
    await enqueue("a"); // the same workflow id again
    await untilGiven("a/turn_a_1/1");
    expect(await dbos.tickets()).toEqual(
      expect.arrayContaining([
        { workflowId: "a/turn_a_1/1", nodeId: "node_1", isGiven: true, isUnheard: false },
        expect.objectContaining({ workflowId: "newer/turn_newer_1/1", isGiven: false }),
      ]),
    );
    await release("a/turn_a_1/1");
    expect(await dbos.ended(new Date(Date.now() + 60_000), 10)).toEqual(["a/turn_a_1/1"]);
    await dbos.delete(["a/turn_a_1/1"]);
    expect(await rows("SELECT workflow_uuid FROM dbos.workflow_status")).toEqual([
      { workflow_uuid: "newer/turn_newer_1/1" },
    ]);
    expect(await rows("SELECT workflow_uuid FROM dbos.workflow_input")).toHaveLength(1);
  });

  test("gives the turns of a conversation one at a time, by their places, as soon as the one before is written", async () => {
    const release = held();
    const client = await pool.connect();
    await client.query("BEGIN");
    for (const place of [2, 1]) await put(client, "turns-v1", `b/turn_b_${place}/${place}`, turn("b", place));
    await client.query("COMMIT");
    client.release();
    await untilGiven("b/turn_b_1/1");
    await enqueue("z"); // is given at a later look, and the second turn of the other conversation still is not
    await untilGiven("b/turn_b_1/1", "z/turn_z_1/1");
    await release("z/turn_z_1/1");
    await release("b/turn_b_1/1");
    await untilGiven("b/turn_b_1/1", "b/turn_b_2/2", "z/turn_z_1/1");
    await release("b/turn_b_2/2");
  });

  test("gives no more than there are slots", async () => {
    const release = held();
    for (const name of ["c", "d", "e", "f"]) await enqueue(name);
    await until(() => given.length === 3);
    const first = [...given];
    expect((await dbos.tickets()).filter(({ isGiven }) => isGiven)).toHaveLength(3);
    for (const workflowId of first) await release(workflowId);
    await until(() => given.length === 4);
    await release(given.at(-1) ?? "");
  });

  test("says which tickets were given to this process without its knowledge: the answer was lost", async () => {
    const release = held();
    const isUnheard = async (name: string) =>
      (await dbos.tickets()).find(({ workflowId }) => workflowId.startsWith(`${name}/`))?.isUnheard;
    await enqueue("i", 1, "COMMIT", "turns-v2");
    expect(await isUnheard("i")).toBe(false);
    await rows(
      "UPDATE dbos.workflow_status SET status = 'PENDING', executor_id = 'node_1' WHERE workflow_uuid LIKE 'i/%'",
    );
    expect(await isUnheard("i")).toBe(true);
    await dbos.delete(["i/turn_i_1/1"]);
    await enqueue("j");
    await untilGiven("j/turn_j_1/1");
    expect(await isUnheard("j")).toBe(false);
    await release("j/turn_j_1/1");
  });

  test("gives again what was given to a node that is gone, and takes no end from it", async () => {
    const release = held();
    await enqueue("g");
    await untilGiven("g/turn_g_1/1");
    await rows("UPDATE dbos.workflow_status SET executor_id = 'node_gone' WHERE workflow_uuid LIKE 'g/%'");
    await dbos.giveBack("node_other");
    expect((await dbos.tickets()).find(({ nodeId }) => nodeId === "node_gone")).toMatchObject({ isGiven: true });
    await dbos.giveBack("node_gone");
    await untilGiven("g/turn_g_1/1", "g/turn_g_1/1");
    await release("g/turn_g_1/1");
    const status = "SELECT status, executor_id FROM dbos.workflow_status WHERE workflow_uuid LIKE 'g/%'";
    expect(await rows(status)).toEqual([{ status: "SUCCESS", executor_id: "node_1" }]);
  });

  test("fails at once while the database is away, and gives turns as soon as it is back", async () => {
    const release = held();
    seen.length = 0;
    proxy.refuse();
    await expect(dbos.tickets()).rejects.toThrow("cannot reach postgres://");
    await expect(dbos.giveBack("node_gone")).rejects.toThrow("cannot reach postgres://");
    await until(() => seen.some(({ message }) => message.includes("Error getting startable workflows")));
    proxy.accept();
    // The pool may still hold a connection whose reset has not arrived.
    while (await enqueue("k").then(() => false, isAway));
    await untilGiven("k/turn_k_1/1");
    await release("k/turn_k_1/1");
  });
});
