/** Behaviour of DBOS outside its public interface on which src/cluster/dbos/sdk.ts relies. A new version that differs fails here first. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { isMigrated, type Launched, launch, migrateSystemTables, openQueue } from "../../src/cluster/dbos/sdk.js";
import type { Observation } from "../../src/core/ports.js";
import type { TurnName } from "../../src/core/store-ports.js";
import { outliving } from "../../src/log/postgres/connection/pool.js";
import { query } from "../support/postgres.js";
import { onServer } from "./cluster.js";

onServer("DBOS", (server) => {
  let url: string;
  let pool: pg.Pool;
  let dbos: Launched;
  let put: Awaited<ReturnType<typeof openQueue>>;
  const seen: Observation[] = [];
  const observe = (each: Observation) => void seen.push(each);
  const given: string[] = [];
  let run: (turn: TurnName, workflowId: string) => Promise<void>;

  beforeAll(async () => {
    url = await server().database();
    pool = outliving(new pg.Pool({ connectionString: url }));
    await migrateSystemTables(pool, observe);
    put = await openQueue(pool, observe);
    const queues = ["turns-v1"];
    const parts = { pool, nodeId: "node_1", queues, slots: 3, observe };
    dbos = await launch({ ...parts, run: (turn, workflowId) => run(turn, workflowId) });
  });
  afterAll(async () => {
    await dbos.stop();
    await dbos.shutdown();
    await pool.end();
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
    await client.query("BEGIN");
    const named = turn(conversationId, place);
    await put(client, queue, `${conversationId}/${named.turnId}/${place}`, named);
    await client.query(end);
    client.release();
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
  const rows = (sql: string) => query(url, sql);

  test("says whether its tables are there, and is told where to log", async () => {
    const client = await pool.connect();
    expect(await isMigrated(client)).toBe(true);
    client.release();
    expect(seen.some(({ message }) => message.includes("DBOS launched"))).toBe(true);
    expect(seen.filter(({ level }) => level !== "debug")).toEqual([]);
  });

  test("gives what a committed transaction has put on the queue at the next look, and nothing else", async () => {
    const release = held();
    await enqueue("undone", 1, "ROLLBACK");
    await enqueue("newer", 1, "COMMIT", "turns-v2");
    await enqueue("a");
    await enqueue("a"); // the same workflow id again
    await dbos.poll();
    expect(given).toEqual(["a/turn_a_1/1"]);
    expect(dbos.freeSlots()).toBe(2);
    expect(await dbos.tickets()).toEqual(
      expect.arrayContaining([
        { workflowId: "a/turn_a_1/1", nodeId: "node_1", isGiven: true, isUnheard: false },
        expect.objectContaining({ workflowId: "newer/turn_newer_1/1", isGiven: false }),
      ]),
    );
    await release("a/turn_a_1/1");
    expect(dbos.freeSlots()).toBe(3);
    expect(await dbos.ended(new Date(Date.now() + 60_000), 10)).toEqual(["a/turn_a_1/1"]);
    await dbos.delete(["a/turn_a_1/1"]);
    expect(await rows("SELECT workflow_uuid FROM dbos.workflow_status")).toEqual([
      { workflow_uuid: "newer/turn_newer_1/1" },
    ]);
    expect(await rows("SELECT workflow_uuid FROM dbos.workflow_input")).toHaveLength(1);
  });

  test("gives the turns of a conversation one at a time, by their places, as soon as the one before is written", async () => {
    const release = held();
    await enqueue("b", 2);
    await enqueue("b", 1);
    await dbos.poll();
    await dbos.poll();
    expect(given).toEqual(["b/turn_b_1/1"]);
    await release("b/turn_b_1/1");
    await dbos.poll();
    expect(given).toEqual(["b/turn_b_1/1", "b/turn_b_2/2"]);
    await release("b/turn_b_2/2");
  });

  test("gives no more than there are slots", async () => {
    const release = held();
    for (const name of ["c", "d", "e", "f"]) await enqueue(name);
    await dbos.poll();
    expect(given).toHaveLength(3);
    for (const workflowId of [...given]) await release(workflowId);
    await dbos.poll();
    expect(given).toHaveLength(4);
    await release(given.at(-1) ?? "");
  });

  test("gives nothing to a process without slots, and what waits as soon as it has some", async () => {
    const release = held();
    dbos.setSlots(0);
    await enqueue("h");
    await dbos.poll();
    expect(given).toEqual([]);
    dbos.setSlots(3);
    await dbos.poll();
    expect(given).toEqual(["h/turn_h_1/1"]);
    await release("h/turn_h_1/1");
  });

  test("says which tickets were given to this process without its knowledge: the answer was lost", async () => {
    const release = held();
    const isUnheard = async (name: string) =>
      (await dbos.tickets()).find(({ workflowId }) => workflowId.startsWith(`${name}/`))?.isUnheard;
    await enqueue("i");
    expect(await isUnheard("i")).toBe(false);
    await rows(
      "UPDATE dbos.workflow_status SET status = 'PENDING', executor_id = 'node_1' WHERE workflow_uuid LIKE 'i/%'",
    );
    expect(await isUnheard("i")).toBe(true);
    await dbos.delete(["i/turn_i_1/1"]);
    await enqueue("j");
    await dbos.poll();
    expect(await isUnheard("j")).toBe(false);
    await release("j/turn_j_1/1");
  });

  test("gives again what was given to a node that is gone, and takes no end from it", async () => {
    const release = held();
    await enqueue("g");
    await dbos.poll();
    await rows("UPDATE dbos.workflow_status SET executor_id = 'node_gone' WHERE workflow_uuid LIKE 'g/%'");
    await dbos.giveBack("node_other");
    await dbos.poll();
    expect(given).toHaveLength(1);
    await dbos.giveBack("node_gone");
    await dbos.poll();
    expect(given).toEqual(["g/turn_g_1/1", "g/turn_g_1/1"]);
    await release("g/turn_g_1/1");
    const status = "SELECT status, executor_id FROM dbos.workflow_status WHERE workflow_uuid LIKE 'g/%'";
    expect(await rows(status)).toEqual([{ status: "SUCCESS", executor_id: "node_1" }]);
  });
});
