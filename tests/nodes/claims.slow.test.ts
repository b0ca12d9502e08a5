import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { Cluster, type ClusterNode, onServer, speaker, traveller, whole } from "./cluster.js";

/** Makes the queue give each turn that comes into it, at this place of its conversation, to the node with this id, which is not told. */
async function giveUnheard(cluster: Cluster, nodeId: string, place: number): Promise<void> {
  await cluster.query(`CREATE FUNCTION give() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    NEW.status = 'PENDING'; NEW.executor_id = '${nodeId}'; RETURN NEW; END $$`);
  await cluster.query(`CREATE TRIGGER give BEFORE INSERT ON dbos.workflow_status FOR EACH ROW
    WHEN (NEW.priority = ${place}) EXECUTE FUNCTION give()`);
}

/** Waits until the queue has given a turn to that node. */
async function untilUnheard(cluster: Cluster, nodeId: string): Promise<void> {
  const given = "SELECT FROM dbos.workflow_status WHERE status = 'PENDING' AND executor_id = $1";
  await cluster.until(async () => (await cluster.query(given, [nodeId])).length > 0);
  await cluster.query("DROP TRIGGER give ON dbos.workflow_status");
}

async function nodeIdOf(cluster: Cluster, { child }: ClusterNode): Promise<string> {
  const rows = await cluster.query<{ node_id: string }>("SELECT node_id FROM nodes WHERE pid = $1", [child.pid]);
  return rows[0]?.node_id ?? "";
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

  test("a turn runs within some leases even if its node never learnt that the queue gave it the turn", async () => {
    await using cluster = await Cluster.open(await server().database(), {
      nodes: 2,
      model: speaker(1_000),
      lease: "1s",
    });
    const [victim, node] = [cluster.node(0), cluster.node(1)];
    // Simulates a connection that is lost during the transaction which gives out the turn, so that its answer never arrives.
    const nodeId = await nodeIdOf(cluster, node);
    await giveUnheard(cluster, nodeId, 1);
    await victim.submit("c", "r1", "t1");
    await cluster.llm.received(1);
    victim.kill("SIGKILL");
    await untilUnheard(cluster, nodeId);
    await cluster.ended(1);
    expect(cluster.asked).toEqual(["t1#0", "t1#0"]);
  });

  test("a turn that has ended holds up none behind it, although a living node keeps its ticket for ever", async () => {
    await using cluster = await Cluster.open(await server().database(), {
      nodes: 2,
      model: speaker(1_000),
      lease: "1s",
    });
    const [victim, node] = [cluster.node(0), cluster.node(1)];
    const alive = `INSERT INTO nodes (node_id, machine, pid, seen_at)
      VALUES ('node_still', 'elsewhere', 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
      ON CONFLICT (node_id) DO UPDATE SET seen_at = excluded.seen_at`;
    await cluster.query(alive);
    const beating = setInterval(() => void cluster.query(alive).catch(() => {}), 200);
    await giveUnheard(cluster, "node_still", 1);
    await victim.submit("c", "r1", "t1");
    await victim.submit("c", "r2", "t2");
    await cluster.llm.received(1);
    victim.kill("SIGKILL");
    await untilUnheard(cluster, "node_still");
    await node.submit("c", "r1", "t1"); // runs the turn, whoever has the ticket
    await cluster.ended(2);
    clearInterval(beating);
    expect(cluster.asked).toEqual(["t1#0", "t1#0", "t2#0"]);
  });

  whole("a node that is killed while it takes requests loses no turn that it has acknowledged", async () => {
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
      await cluster.start();
    }
    const begun = await cluster.query<{ turn_id: string }>("SELECT turn_id FROM turns");
    expect(begun.map(({ turn_id }) => turn_id)).toEqual(expect.arrayContaining(acknowledged));
    await cluster.ended(begun.length);
    expect((await cluster.endings()).every(({ type }) => type === "turn_end")).toBe(true);
    process.stderr.write(
      `${acknowledged.length} turns acknowledged by five nodes that were killed, ${begun.length} begun\n`,
    );
  });
});
