import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import type { PostgresServer } from "../support/postgres.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { Cluster, isWhole, onServer, traveller, whole } from "./cluster.js";
import { repetitions } from "./repetitions.js";
import { busiest, expectWhole, loadOf, travelling } from "./trips.js";

const leaseMs = 4_000;
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

async function begun(server: PostgresServer, turns = 60, thinkMs = 400): Promise<Cluster> {
  const cluster = await Cluster.open(await server.database(), { model: traveller(thinkMs), lease: "4s" });
  await travelling(cluster, turns);
  return cluster;
}

onServer("three nodes with many turns running", (server) => {
  const many = isWhole ? 60 : 12;
  test(`one is killed: the others end its turns within two leases, and no completed step is repeated (${many} turns)`, async () => {
    await using cluster = await begun(server(), many, isWhole ? 400 : 1_500);
    const { victim, lost } = await busiest(cluster);
    expect(lost).toBeGreaterThan(1);
    const killedAt = Date.now();
    victim.kill("SIGKILL");
    await cluster.until(async () => (await loadOf(cluster, victim)) === 0);
    const takenMs = Date.now() - killedAt;
    await cluster.ended(many);
    process.stderr.write(`killed with ${lost} of ${many} turns: free after ${seconds(takenMs)}\n`);
    expect(takenMs).toBeLessThan(2 * leaseMs);
    await expectWhole(cluster, many, lost);
  });

  whole(
    "one stands still: its turns go on elsewhere within two leases, and it writes no more when it goes on",
    async () => {
      await using cluster = await begun(server());
      const { victim } = await busiest(cluster);
      victim.kill("SIGSTOP");
      const lost = await loadOf(cluster, victim);
      expect(lost).toBeGreaterThan(5);
      const stoppedAt = Date.now();
      await cluster.until(async () => (await loadOf(cluster, victim)) === 0);
      const takenMs = Date.now() - stoppedAt;
      victim.kill("SIGCONT");
      await cluster.ended(60);
      process.stderr.write(`stood still with ${lost} of 60 turns: free after ${seconds(takenMs)}\n`);
      expect(takenMs).toBeLessThan(2 * leaseMs);
      await victim.submit("c-after", "r", "after");
      await cluster.ended(61);
      const log = await cluster.log("c-after");
      expect(log.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
      // Only the new holder of a turn repeats a request that was in flight when the node stopped.
      const { completed, inFlight } = await repetitions(cluster);
      expect(completed.length + inFlight.length).toBeLessThanOrEqual(lost);
      await expectWhole(cluster, 60);
    },
  );

  whole("the database is killed and comes back: nothing is lost, nothing repeated", async () => {
    await using cluster = await begun(server());
    await server().kill();
    await sleep(5_000); // longer than a lease
    await server().restart();
    await cluster.ended(60);
    await expectWhole(cluster, 60, 0);
  });

  whole("every connection to the database is reset, three times: nothing is lost, nothing repeated", async () => {
    await using proxy = await startTcpProxy(server().port);
    const url = await server().database();
    const seenAs = url.replace(`:${server().port}/`, `:${proxy.port}/`);
    await using cluster = await Cluster.open(url, { model: traveller(400), lease: "4s", seenAs });
    await travelling(cluster, 60);
    for (let round = 0; round < 3; round++) {
      proxy.reset();
      await sleep(300);
    }
    await cluster.ended(60);
    await expectWhole(cluster, 60, 0);
  });

  test("a node whose connections give no answers any more makes others: its turns go on, and it leaves in time", async () => {
    await using proxy = await startTcpProxy(server().port);
    const url = await server().database();
    const seenAs = url.replace(`:${server().port}/`, `:${proxy.port}/`);
    await using cluster = await Cluster.open(url, {
      nodes: 1,
      lease: "30s", // no test waits for it, since there is only one node
      seenAs,
      storage: { statement_timeout: "500ms" },
    });
    const node = cluster.node(0);
    await node.submit("c", "r1", "t1");
    await cluster.ended(1);
    proxy.mute();
    await node.submit("c", "r2", "t2");
    await cluster.ended(2);
    await node.submit("d", "r3", "t3");
    await cluster.ended(3);
    proxy.mute();
    node.kill("SIGTERM");
    const toldAt = performance.now();
    await node.end;
    expect(performance.now() - toldAt).toBeLessThan(8_000);
  });
});
