import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { query } from "../support/postgres.js";
import { Cluster, onServer, whole } from "./cluster.js";

const isLinux = process.platform === "linux";
const linux = isLinux ? test : test.skip;

/** Returns the TCP sockets of the process as address:port: those that listen, and the peers of connections. */
function socketsOf(pid: number): { listening: string[]; peers: string[] } {
  const own = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      own.add(/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? "");
    } catch {
      // the socket was closed meanwhile
    }
  }
  const listening: string[] = [];
  const peers: string[] = [];
  for (const table of ["tcp", "tcp6"]) {
    for (const line of readFileSync(`/proc/${pid}/net/${table}`, "utf8").trim().split("\n").slice(1)) {
      const [, local = "", remote = "", state = "", , , , , , inode = ""] = line.trim().split(/\s+/);
      if (!own.has(inode)) continue;
      if (state === "0A") listening.push(addressOf(local));
      else peers.push(addressOf(remote));
    }
  }
  return { listening, peers };
}

function addressOf(hex: string): string {
  const [address = "", port = ""] = hex.split(":");
  const bytes =
    address.length === 8 ? (address.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16)) : [];
  return `${bytes.length > 0 ? bytes.join(".") : address}:${Number.parseInt(port, 16)}`;
}

/** Returns the used processor time, in ticks of 10 ms. */
function cpuTicksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

onServer("a node", (server) => {
  linux("says nothing on stdout, opens one port and talks to nobody but the database and the model", async () => {
    await using cluster = await Cluster.open(await server().database(), { nodes: 1 });
    const node = cluster.node(0);
    await node.submit("c", "r");
    await cluster.ended(1);
    const { listening, peers } = socketsOf(node.child.pid ?? 0);
    const known = [server().port, new URL(cluster.llm.url).port].map((port) => `127.0.0.1:${port}`);
    const clients = peers.filter((peer) => !known.includes(peer));
    expect(listening).toEqual([new URL(node.url).host]);
    expect(clients.filter((peer) => !peer.startsWith("127.0.0.1:"))).toEqual([]);
    expect(peers).toEqual(expect.arrayContaining([known[0]]));
    node.kill("SIGTERM");
    expect(await node.end).toMatchObject({ stdout: "" });
  });

  (isLinux ? whole : test.skip)("that has nothing to do leaves the database and the processor alone", async () => {
    const url = await server().database();
    await using cluster = await Cluster.open(url, { nodes: 1, lease: "10s" });
    const pid = cluster.node(0).child.pid ?? 0;
    await sleep(3_000); // by now its servers have started
    const commits = async () => {
      const [row] = await query(
        `${url.slice(0, url.lastIndexOf("/"))}/postgres`,
        "SELECT xact_commit + xact_rollback AS count FROM pg_stat_database WHERE datname = $1",
        [new URL(url).pathname.slice(1)],
      );
      return Number(row?.count);
    };
    const measureMs = 6_000;
    const before = { commits: await commits(), ticks: cpuTicksOf(pid) };
    await sleep(measureMs);
    const perSecond = ((await commits()) - before.commits) / (measureMs / 1_000);
    const cpu = ((cpuTicksOf(pid) - before.ticks) * 10) / measureMs;
    process.stderr.write(`idle: ${perSecond.toFixed(1)} transactions/s, ${(100 * cpu).toFixed(1)} % of a core\n`);
    expect(perSecond).toBeLessThan(2);
    expect(cpu).toBeLessThan(0.05);
  });

  test("begins with a turn when it was claimed, and puts no turn that it runs itself into the queue", async () => {
    await using cluster = await Cluster.open(await server().database(), { nodes: 1 });
    const waitedMs: number[] = [];
    for (let index = 0; index < 40; index++) {
      await cluster.node(0).submit(`c${index}`, "r", `t${index}`);
      await cluster.ended(index + 1);
      const [first] = await cluster.log(`c${index}`);
      waitedMs.push((cluster.llm.requests[index]?.at ?? 0) - (first?.at ?? 0));
    }
    const sorted = waitedMs.toSorted((a, b) => a - b);
    process.stderr.write(`from the claim to the model: p50 ${sorted[20]} ms, p90 ${sorted[36]} ms\n`);
    // Alone it takes 10 ms, next to other tests several times as long.
    expect(sorted[20]).toBeLessThan(200);
    expect(await cluster.query("SELECT FROM dbos.workflow_status")).toEqual([]);
  });
});
