import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { Cluster, onServer, speaker, traveller, whole } from "./cluster.js";

/** Returns unfinished turns that are not on the queue, and queue entries whose turn does not exist. */
async function unmatched(cluster: Cluster): Promise<unknown[]> {
  const isOf = "starts_with(workflow_uuid, conversation_id || '/' || turn_id || '/')";
  return cluster.query(
    `SELECT turn_id AS id FROM turns WHERE state IN ('queued', 'running') AND NOT EXISTS (
       SELECT FROM dbos.workflow_status WHERE status IN ('ENQUEUED', 'PENDING') AND ${isOf})
     UNION ALL
     SELECT workflow_uuid FROM dbos.workflow_status WHERE NOT EXISTS (SELECT FROM turns WHERE ${isOf})`,
  );
}

onServer("requests", (server) => {
  test("300 submits of 50 request ids over three nodes are 50 turns, and the model is asked 50 times", async () => {
    await using cluster = await Cluster.open(await server().database(), { model: speaker(20) });
    const submits = Array.from({ length: 300 }, (_, index) => {
      const name = `t${index % 50}`;
      return cluster.node(index).submit(`c-${name}`, `r-${name}`, name);
    });
    const turns = await Promise.all(submits);
    await cluster.ended(50);
    expect(new Set(turns.map(({ turn_id }) => turn_id)).size).toBe(50);
    expect([...cluster.asked].sort()).toEqual(Array.from({ length: 50 }, (_, index) => `t${index}#0`).sort());
    expect(await cluster.endings()).toHaveLength(50);
  });

  test("a node shows, as it comes, the turn that another one runs", async () => {
    await using cluster = await Cluster.open(await server().database(), { nodes: 2, model: traveller(50) });
    const [runner, other] = [cluster.node(0), cluster.node(1)];
    const { turn_id } = await runner.submit("c", "r", "trip");
    expect((await other.submit("c", "r", "trip")).turn_id).toBe(turn_id);
    const shown: (string | undefined)[] = [];
    for await (const { chunk } of other.events("c")) {
      shown.push(chunk.type);
      if (chunk.type === "turn_end") break;
    }
    expect(shown.filter((type) => type === "tool_result")).toHaveLength(3);
    expect(cluster.asked).toEqual(["trip#0", "trip#1", "trip#2", "trip#3"]);
  });

  test("a turn that the queue has given to a node which never heard of it is run within some leases all the same", async () => {
    await using cluster = await Cluster.open(await server().database(), { nodes: 1, lease: "1s" });
    const node = cluster.node(0);
    await node.submit("c-warm", "r", "warm");
    await cluster.ended(1);
    // Simulates a connection that is lost during the transaction which gives out the turn, so that its answer never arrives.
    await cluster.query(`CREATE FUNCTION give() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      NEW.status = 'PENDING'; NEW.executor_id = (SELECT node_id FROM nodes); RETURN NEW; END $$`);
    await cluster.query(
      "CREATE TRIGGER give BEFORE INSERT ON dbos.workflow_status FOR EACH ROW EXECUTE FUNCTION give()",
    );
    await node.submit("c", "r1", "t1");
    await cluster.query("DROP TRIGGER give ON dbos.workflow_status");
    await node.submit("c", "r2", "t2");
    await cluster.ended(3);
    expect(cluster.asked).toEqual(["warm#0", "t1#0", "t2#0"]);
  });

  test("a turn that has ended holds up none behind it, although a living node keeps its ticket for ever", async () => {
    await using cluster = await Cluster.open(await server().database(), { nodes: 1, lease: "1s" });
    const node = cluster.node(0);
    await node.submit("c-warm", "r", "warm");
    await cluster.ended(1);
    await cluster.query(
      `INSERT INTO nodes (node_id, machine, pid, seen_at) VALUES ('node_still', 'elsewhere', 1, ${Number.MAX_SAFE_INTEGER})`,
    );
    await cluster.query(`CREATE FUNCTION give() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      NEW.status = 'PENDING'; NEW.executor_id = 'node_still'; RETURN NEW; END $$`);
    await cluster.query(
      "CREATE TRIGGER give BEFORE INSERT ON dbos.workflow_status FOR EACH ROW EXECUTE FUNCTION give()",
    );
    await node.submit("c", "r1", "t1");
    await cluster.query("DROP TRIGGER give ON dbos.workflow_status");
    await node.submit("c", "r2", "t2");
    await cluster.ended(3);
    expect(cluster.asked).toHaveLength(3);
  });

  whole(
    "a node that is killed while it takes requests leaves no turn without dispatch, and no dispatch without turn",
    async () => {
      await using cluster = await Cluster.open(await server().database(), {
        nodes: 2,
        model: speaker(50),
        lease: "2s",
      });
      const acknowledged: string[] = [];
      for (let round = 0; round < 5; round++) {
        const victim = cluster.nodes.at(-1);
        await victim?.submit(`c-${round}`, "r", `warm-${round}`);
        await cluster.until(async () => (await cluster.log(`c-${round}`)).at(-1)?.type === "turn_end");
        const submits = Array.from({ length: 40 }, async (_, index) => {
          await sleep(index * 2);
          const { turn_id } = (await victim?.submit(`c-${round}-${index}`, "r", `t${round}-${index}`)) ?? {};
          if (turn_id) acknowledged.push(turn_id);
        });
        await sleep(60 + round * 30);
        victim?.kill("SIGKILL");
        await Promise.allSettled(submits);
        expect(await unmatched(cluster)).toEqual([]);
        await cluster.start();
      }
      const begun = await cluster.query<{ turn_id: string }>("SELECT turn_id FROM turns");
      expect(begun.map(({ turn_id }) => turn_id)).toEqual(expect.arrayContaining(acknowledged));
      await cluster.ended(begun.length);
      expect((await cluster.endings()).every(({ type }) => type === "turn_end")).toBe(true);
      process.stderr.write(
        `${acknowledged.length} turns acknowledged by five nodes that were killed, ${begun.length} begun\n`,
      );
    },
  );
});
