import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { thisMachine } from "../../src/core/files/this-machine.js";
import { openStore } from "../../src/log/open.js";
import { Retention } from "../../src/session/conversations/retention.js";
import { append, turn } from "../log/support.js";
import { answer, startLlmServer } from "../support/llm-server.js";
import { query } from "../support/postgres.js";
import { Nodes } from "../support/serving-nodes.js";
import { newDatabaseUrl, noPostgres } from "../support/storages.js";
import { startTcpProxy } from "../support/tcp-proxy.js";

/** The information that operators get about several hosts. */

const onServer = noPostgres === undefined ? describe : describe.skip;

/** A node as `nodes --json` prints it. */
interface Shown {
  nodes: {
    pid: number;
    state: string;
    silent_ms: number;
    version: string;
    machine: string;
    turns: { running: number; waiting: number };
  }[];
  unclaimed_turns: number;
}

/** Asks the first host whether it is ready. `until` waits for a status. */
function readinessOf(nodes: Nodes) {
  const ready = async () => {
    const response = await fetch(`${nodes.all[0]?.url}/readyz`);
    return [response.status, await response.json()];
  };
  const until = async (status: number) => {
    while ((await ready())[0] !== status) await sleep(20);
  };
  return { ready, until };
}

async function show({ place }: Nodes): Promise<Shown> {
  const { exitCode, stdout, stderr } = await place.run(["nodes", "--json"]);
  expect([exitCode, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as Shown;
}

onServer("several hosts", () => {
  test("nodes shows their processes, versions, and turns, and which of them is gone", async () => {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    await using llm = await startLlmServer(() => async (response, request) => {
      await opened;
      answer("hi")(response, request);
    });
    await using nodes = await Nodes.start(llm, await newDatabaseUrl(), {}, {}, 2);
    const [a, b] = nodes.all;
    const asking = a?.ask();
    await llm.received(1);
    const shown = await show(nodes);
    const of = (child: typeof a) => shown.nodes.find(({ pid }) => pid === child?.child.pid);
    expect(shown).toMatchObject({ nodes: [{}, {}], unclaimed_turns: 0 });
    const alive = { state: "alive", silent_ms: expect.any(Number), version: expect.stringMatching(/^\d+\.\d+\.\d+/) };
    expect(of(b)).toMatchObject({ ...alive, turns: { running: 0, waiting: 0 } });
    expect(of(a)).toMatchObject({ ...alive, turns: { running: 1, waiting: 0 } });
    const { stdout } = await nodes.place.run(["nodes"]);
    expect(stdout).toMatch(/alive +seen \d+\.\d s ago +process \d+ on .* 1 running, 0 waiting/);
    b?.child.kill("SIGKILL");
    if (b) await once(b.child, "close");
    const gone = (await show(nodes)).nodes.find(({ pid }) => pid === b?.child.pid);
    expect(gone === undefined || gone.state === "gone").toBe(true); // the other node may have removed it already
    open();
    expect(await asking).toBe(200);
  });

  test("a host on another machine with the same name counts as alive, although no process here has its id", async () => {
    const url = await newDatabaseUrl();
    const store = await openStore({ driver: "postgres", url }, { now: Date.now, observe: () => {} });
    const machine = [...thisMachine().split(" ").slice(0, 2), "another-boot"].join(" ");
    await store.turns.beat({ nodeId: "other", machine, pid: 999_999_999 });
    await store.close();
    await using llm = await startLlmServer([answer("hi")]);
    await using nodes = await Nodes.start(llm, url, {}, {}, 1);
    expect(await nodes.all[0]?.ask()).toBe(200); // before its first turn, the host has looked for lost hosts
    expect((await show(nodes)).nodes.find((node) => node.machine === machine)).toMatchObject({ state: "alive" });
  });

  test("/readyz says when the database is away, and when it is there again", async () => {
    await using llm = await startLlmServer([]);
    const url = new URL(await newDatabaseUrl());
    await using proxy = await startTcpProxy(Number(url.port));
    url.port = String(proxy.port);
    await using nodes = await Nodes.start(llm, url.href, {}, {}, 1);
    const { ready, until } = readinessOf(nodes);
    await until(200);
    proxy.refuse();
    await until(503);
    expect(await ready()).toEqual([503, { status: "not ready", reason: "the event log cannot be read" }]);
    proxy.accept();
    await until(200);
    proxy.freeze();
    expect(await ready()).toEqual([
      503,
      { status: "not ready", reason: "the event log did not answer within 1500 ms" },
    ]);
    proxy.thaw();
    await until(200);
  });

  test("/readyz says when the database takes no writes, and when it takes them again", async () => {
    await using llm = await startLlmServer([]);
    const url = await newDatabaseUrl();
    await using nodes = await Nodes.start(llm, url, {}, {}, 1);
    const { ready, until } = readinessOf(nodes);
    await until(200);
    const server = new URL(url);
    const name = server.pathname.slice(1);
    server.pathname = "postgres";
    const reconnect = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`;
    await query(server.href, `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    await query(server.href, reconnect, [name]);
    const unwritable = JSON.stringify([503, { status: "not ready", reason: "the event log cannot be written" }]);
    // Until the host has new connections, it cannot read either. Afterwards it must say so at once, and not only when its own writes give up.
    const deadline = performance.now() + 10_000;
    while (JSON.stringify(await ready()) !== unwritable && performance.now() < deadline) await sleep(20);
    expect(JSON.stringify(await ready())).toBe(unwritable);
    await query(server.href, `ALTER DATABASE ${name} RESET default_transaction_read_only`);
    await query(server.href, reconnect, [name]);
    await until(200);
  });

  test("what is too old is deleted by one of them", async () => {
    const storage = { driver: "postgres" as const, url: await newDatabaseUrl() };
    const parts = { now: Date.now, observe: () => {} };
    const stores = await Promise.all([openStore(storage, parts), openStore(storage, parts), openStore(storage, parts)]);
    const [store] = stores;
    await append(store, "c", turn("t").user("hello"));
    await append(store, "c", turn("t").end());
    const deleted: string[] = [];
    const rules = { maxConversations: 0 };
    const all = stores.map((each, index) => {
      const observe = ({ message }: { message: string }) => void deleted.push(`${index}: ${message}`);
      return new Retention({ store: each, rules, isOpen: () => false, now: Date.now, observe });
    });
    for (const each of all) each.start();
    while ((await store.conversations({ most: 1 })).conversations.length > 0) await sleep(5);
    expect(await Promise.all(stores.map((each) => each.isDue?.("retention", 1_000)))).toEqual([false, false, false]);
    expect(await store.isDue?.("retention", 0)).toBe(true);
    await query(storage.url, "UPDATE tasks SET begun_at = begun_at + 1000000"); // as after the database's clock was set back
    expect(await store.isDue?.("retention", 10_000)).toBe(true);
    expect(await store.isDue?.("retention", 10_000)).toBe(false);
    expect(deleted).toHaveLength(1);
    for (const each of all) each.close();
    for (const each of stores) await each.close();
  });
});
