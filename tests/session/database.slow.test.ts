import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.js";
import { openStore } from "../../src/log/open.js";
import { Sessions } from "../../src/session/sessions.js";
import { collect, fixtureServer, isStored, shape, startApp } from "../support/app.js";
import { joining } from "../support/cluster.js";
import { answer, failure, type LlmServer, startLlmServer, toolCalls } from "../support/llm-server.js";
import { noServer, type PostgresServer, startPostgres } from "../support/postgres.js";
import { startTcpProxy } from "../support/tcp-proxy.js";

const onServer = noServer === undefined ? describe : describe.skip;
if (noServer) process.stderr.write(`NOT TESTED on PostgreSQL: ${noServer}\n`);

let server: PostgresServer;
beforeAll(async () => {
  if (!noServer) server = await startPostgres();
});
afterAll(async () => server?.[Symbol.asyncDispose]());

/** Starts a model that calls a tool and then answers. Its answers wait until `open` is called. */
async function heldModel(): Promise<{ llm: LlmServer; open: () => void }> {
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  let asked = 0;
  const llm = await startLlmServer(() => {
    const reply = ++asked === 1 ? toolCalls([{ name: "s__echo", arguments: { n: 1 } }]) : answer("done");
    return (response, request) => void gate.then(() => reply(response, request));
  });
  return { llm, open };
}

onServer("the first turn of a conversation", () => {
  test("does not read the log after its request was stored; a later turn does", async () => {
    await using llm = await startLlmServer([answer("one"), answer("two")]);
    const app = await startApp({ llm: llm.url });
    const store = await openStore(
      { driver: "postgres", url: await server.database() },
      { now: Date.now, observe() {} },
    );
    const read = store.read.bind(store);
    const readFrom: (number | undefined)[] = [];
    store.read = (conversationId, from, most) => {
      readFrom.push(from);
      return read(conversationId, from, most);
    };
    const sessions = new Sessions({
      store,
      join: joining(store, { nodeId: "n", leaseMs: 10_000 }),
      observe: () => {},
      hub: app.hub,
      settings: () => ({ llm: app.orchestrator.llm, defaults: app.config.chat.service }),
      newId,
      now: Date.now,
      project: "p",
    });
    const turn = async (text: string) => {
      await collect(sessions.open("c").prompt({ requestId: text, text }));
      return readFrom.splice(0);
    };
    expect([await turn("first"), await turn("second")]).toEqual([[], [1]]);
    expect(llm.requests.map(({ body }) => (body as { messages: unknown[] }).messages.length)).toEqual([2, 4]);
    await sessions.close();
    await store.close();
    await app.close();
  });
});

onServer("a host whose database is away", () => {
  test("shuts down without waiting for it", async () => {
    await using llm = await startLlmServer([answer("hi")]);
    await using proxy = await startTcpProxy(server.port);
    const url = (await server.database()).replace(`:${server.port}/`, `:${proxy.port}/`);
    const app = await startApp({ llm: llm.url, storage: { url } });
    await collect(app.sessions.open("c").prompt({ requestId: "r", text: "go" }));
    proxy.refuse();
    const startedAt = performance.now();
    await app.close();
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });
});

onServer("a host that is cut off from its database for longer than its lease", () => {
  const leaseMs = 1_000;

  async function cutOff(url: string) {
    let fail = () => {};
    const failing = new Promise<void>((resolve) => {
      fail = resolve;
    });
    let asked = 0;
    const llm = await startLlmServer(() => {
      const reply = ++asked === 1 ? failure(503) : answer("done");
      return (response, request) => void failing.then(() => reply(response, request));
    });
    const proxy = await startTcpProxy(server.port);
    const storage = { url: url.replace(`:${server.port}/`, `:${proxy.port}/`), lease: `${leaseMs}ms` };
    const app = await startApp({ llm: llm.url, storage });
    const turn = await app.sessions.open("c").submit({ requestId: "r", text: "go" });
    await llm.received(1);
    proxy.refuse();
    return { app, llm, proxy, turn, fail };
  }

  test("does not send the request of a turn again that another host has taken over, and shows that host's end of it", async () => {
    const url = await server.database();
    const { app, llm, proxy, turn, fail } = await cutOff(url);
    await using _ends = llm;
    await using _way = proxy;
    await using _host = app;
    const other = await openStore({ driver: "postgres", url }, { now: Date.now, observe: () => {} });
    const [{ nodeId } = { nodeId: "" }] = await other.turns.nodes();
    const [{ turnId } = { turnId: "" }] = await other.turns.held(nodeId);
    await other.turns.bury(nodeId, Number.MAX_SAFE_INTEGER);
    await other.turns.beat({ nodeId: "other", machine: "elsewhere", pid: 1 });
    const lease = await other.turns.acquire("c", turnId, "other");
    await sleep(leaseMs); // by the host's own clock, its lease has expired
    fail();
    const end = { type: "turn_end" as const, turnId, stopReason: "end_turn" as const };
    await other.appendAll("c", [end], { fence: lease?.fence ?? 0, position: 2 });
    await other.close();
    const events = collect(turn.watch());
    proxy.accept();
    expect((await events).at(-1)).toMatchObject(end);
    expect(llm.requests).toHaveLength(1);
  });

  test("sends it again once the database has confirmed that the turn is still its own", async () => {
    const { app, llm, proxy, turn, fail } = await cutOff(await server.database());
    await using _ends = llm;
    await using _way = proxy;
    await using _host = app;
    await sleep(leaseMs);
    fail();
    const events = collect(turn.watch());
    proxy.accept();
    expect((await events).at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
    expect(llm.requests).toHaveLength(2);
  });
});

onServer("a turn whose database", () => {
  test("is killed while the model thinks, and started again, ends with every event once", async () => {
    const { llm, open } = await heldModel();
    await using _ = llm;
    const url = await server.database();
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, storage: { url } });
    const turn = await app.sessions.open("c").submit({ requestId: "r", text: "go" });
    await llm.received(1);
    await server.kill();
    open();
    const events = collect(turn.watch());
    await server.restart();
    expect(shape(await events).at(-1)).toBe("turn_end");
    const log = await app.sessions.history("c");
    expect(log).toEqual((await events).filter(isStored));
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_event, index) => index + 1));
    expect(llm.requests).toHaveLength(2);
  });

  test("resets every connection again and again ends with every event once", async () => {
    const { llm, open } = await heldModel();
    await using _ = llm;
    await using proxy = await startTcpProxy(server.port);
    const url = (await server.database()).replace(`:${server.port}/`, `:${proxy.port}/`);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, storage: { url } });
    const turn = await app.sessions.open("c").submit({ requestId: "r", text: "go" });
    await llm.received(1);
    proxy.reset();
    open();
    const seen: string[] = [];
    for await (const event of turn.watch()) {
      if (!isStored(event)) continue;
      seen.push(event.type);
      proxy.reset();
    }
    expect(seen.at(-1)).toBe("turn_end");
    expect((await app.sessions.history("c")).map(({ type }) => type)).toEqual(seen);
    expect(llm.requests).toHaveLength(2);
  });
});
