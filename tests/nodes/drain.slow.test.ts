import { once } from "node:events";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { expect } from "@jest/globals";
import type { LlmRequest, Step } from "../support/llm-server.js";
import { askedIn, Cluster, type ClusterNode, onServer, speaker, traveller, whole } from "./cluster.js";
import { repetitions } from "./repetitions.js";

onServer("a node that is told to end", (server) => {
  whole("leaves its unfinished turns to the others, which go on at once and repeat no completed step", async () => {
    const lease = "30s"; // long, because no test waits for it
    let begin = () => {};
    const begun = new Promise<void>((open) => {
      begin = open;
    });
    const model = (request: LlmRequest): Step => {
      const step = traveller(1_500)(request);
      return (response, asked) => void begun.then(() => step(response, asked));
    };
    await using cluster = await Cluster.open(await server().database(), { model, lease });
    const leaving = cluster.node(0);
    for (let index = 0; index < 10; index++) await leaving.submit(`c${index}`, "r", `t${index}`);
    await cluster.until(async () => (await cluster.holders()).get(leaving.child.pid ?? 0) === 10);
    begin();
    leaving.kill("SIGTERM");
    await once(leaving.child, "exit");
    const leftAt = performance.now();
    await cluster.until(async () => {
      const holders = await cluster.holders();
      return [...holders.values()].reduce((sum, count) => sum + count, 0) === 10;
    });
    const idleMs = performance.now() - leftAt;
    process.stderr.write(`10 turns went on ${idleMs.toFixed(0)} ms after their node had left\n`);
    expect(idleMs).toBeLessThan(2_000); // DBOS is launched first; this is well below the lease
    await cluster.ended(10);
    expect((await cluster.endings()).map(({ type }) => type)).toEqual(Array(10).fill("turn_end"));
    expect((await repetitions(cluster)).completed).toEqual([]);
  });
});

onServer("hosts of two versions on one database", (server) => {
  const newer = { env: { NODE_OPTIONS: `--import ${pathToFileURL(resolve("tests/nodes/newer-host.mjs")).href}` } };

  whole(
    "each run what they can go on with: a conversation that a newer one has written to is left to newer ones",
    async () => {
      let release = () => {};
      const released = new Promise<void>((open) => {
        release = open;
      });
      const model = (request: LlmRequest): Step => {
        const step = speaker()(request);
        const waits = ["t3", "t4"].includes(askedIn(request).text);
        return (response, asked) => void (waits ? released : Promise.resolve()).then(() => step(response, asked));
      };
      await using cluster = await Cluster.open(await server().database(), { nodes: 2, model, lease: "1s" });
      const old = cluster.node(0);
      await old.submit("c", "r1", "t1");
      await cluster.ended(1);
      const young = await cluster.start(newer);
      await young.submit("c", "r2", "t2");
      await cluster.ended(2);

      const pids = async () => [...(await cluster.holders()).keys()];
      await old.submit("c", "r3", "t3");
      await old.submit("d", "r1", "t4");
      await cluster.until(async () => (await pids()).length === 2);
      expect((await pids()).sort()).toEqual([old.child.pid, young.child.pid].sort());
      await endOf(young);
      release();
      await cluster.ended(3);

      // The dead host, of a newer version, may have written to the conversation. So for several leases no older host takes it.
      await sleep(4_000);
      expect(await pids()).toEqual([]);
      expect(await cluster.endings()).toHaveLength(3);
      await cluster.start(newer);
      await cluster.ended(4);
      expect((await cluster.endings()).map(({ type }) => type)).toEqual(Array(4).fill("turn_end"));
    },
  );
});

async function endOf(node: ClusterNode): Promise<void> {
  node.kill("SIGKILL");
  await node.end;
}
