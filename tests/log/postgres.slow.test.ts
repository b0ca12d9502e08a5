import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { loadConfig } from "../../src/config/reading/load.js";
import type { PostgresConfig } from "../../src/core/config.js";
import type { StoredEvent } from "../../src/core/events.js";
import { newId } from "../../src/core/ids.js";
import type { Observation } from "../../src/core/ports.js";
import { openConversations } from "../../src/host/log-only.js";
import { Database, lock } from "../../src/log/postgres/connection/database.js";
import { openPool } from "../../src/log/postgres/connection/pool.js";
import {
  addressOf,
  isLost,
  isPoolTimeout,
  isUnsent,
  storeError,
} from "../../src/log/postgres/connection/store-errors.js";
import { LogClock } from "../../src/log/postgres/log-clock.js";
import { underMigrationLock } from "../../src/log/postgres/migrate.js";
import { NoticeSeal } from "../../src/log/postgres/notice-seal.js";
import { logChannel } from "../../src/log/postgres/notices.js";
import { openPostgresLog } from "../../src/log/postgres/open.js";
import { appendEnd } from "../../src/log/postgres/statements.js";
import { schemaVersion } from "../../src/log/shared/schema-version.js";
import { noServer, type PostgresServer, query, startPostgres } from "../support/postgres.js";
import { processorMs } from "../support/processor-time.js";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.js";
import { append, call, request, turn } from "./support.js";

const onServer = noServer === undefined ? describe : describe.skip;
if (noServer) process.stderr.write(`NOT TESTED on PostgreSQL: ${noServer}\n`);

const one = turn("turn_1");
const two = turn("turn_2");

let server: PostgresServer;
beforeAll(async () => {
  if (!noServer) server = await startPostgres();
});
afterAll(async () => server?.[Symbol.asyncDispose]());

/** Opens the log in this database and collects its observations. */
async function open(url: string, more: Partial<PostgresConfig> = {}) {
  const seen: Observation[] = [];
  const observe = (each: Observation) => seen.push(each);
  const log = await openPostgresLog({ driver: "postgres", url, ...more }, { now: Date.now, observe, newId });
  return { ...log, seen, [Symbol.asyncDispose]: () => log.store.close() };
}

function through(proxy: TcpProxy, url: string): string {
  return url.replace(`:${server.port}/`, `:${proxy.port}/`);
}

/** Resolves when the statement returns rows. */
async function until(url: string, sql: string): Promise<void> {
  while ((await query(url, sql)).length === 0);
}

onServer("a host", () => {
  test("whose clock is off writes the database's time", async () => {
    const clock = new LogClock(() => Date.now() + 365 * 24 * 60 * 60 * 1000);
    const parts = { now: clock.now, onLogTime: (time: number) => clock.correct(time), observe: () => {}, newId };
    const log = await openPostgresLog({ driver: "postgres", url: await server.database() }, parts);
    const { at } = await append(log.store, "a", one.user("hi"));
    expect(Math.abs(at - Date.now())).toBeLessThan(60_000);
    clock.correct(0);
    await log.store.turns.beat({ nodeId: "n", machine: "m", pid: 1, version: "1" });
    expect(Math.abs((log.store.now?.() ?? 0) - Date.now())).toBeLessThan(60_000);
    await log.store.close();
  });

  test("whose clock is off gives a copy the database's time, also if it only runs a command", async () => {
    const url = await server.database();
    const { config } = loadConfig({ chat: { storage: { url } } }, { env: {} });
    const log = await openPostgresLog({ driver: "postgres", url }, { now: Date.now, observe: () => {}, newId });
    await append(log.store, "a", one.user("hi"));
    await append(log.store, "a", one.end());
    const clock = jest.spyOn(Date, "now").mockReturnValue(Date.now() - 400 * 24 * 60 * 60 * 1000);
    const { conversations } = await openConversations(config, {});
    await conversations.fork("a", { to: "b" });
    clock.mockRestore();
    const [first] = await conversations.read("b", 1, 1);
    expect(Math.abs((first?.at ?? 0) - Date.now())).toBeLessThan(60_000);
    await conversations.close();
    await log.store.close();
  });

  test("waits for a free connection for longer than for a new one", async () => {
    const said: string[] = [];
    const config = { driver: "postgres", url: await server.database(), poolSize: 1, connectTimeoutMs: 2_000 } as const;
    const database = new Database(config, ({ message }) => said.push(message));
    const [slow, next] = ["SELECT pg_sleep(2.5)", "SELECT 1 AS one"].map((sql) => database.rows("read", "now", sql));
    await slow;
    expect(await next).toEqual([{ one: 1 }]);
    expect(said).toEqual([]);
    await database.close();
  });

  test("says that no connection became free, but not that the database is lost", async () => {
    const url = await server.database();
    const pool = openPool({ driver: "postgres", url }, 1, 1_000);
    const held = await pool.connect();
    const error: unknown = await pool.connect().catch((reason) => reason);
    held.release();
    await pool.end();
    expect([isLost(error), isUnsent(error), isPoolTimeout(error)]).toEqual([false, false, true]);
    expect(storeError(error, addressOf(url), "read")).toMatchObject({
      kind: "locked",
      retryable: true,
      message: expect.stringContaining("no connection became free in time"),
      hint: expect.stringContaining("chat.service.max_turns"),
    });
  });

  test("sends its heartbeat also while all its connections are in use", async () => {
    await using log = await open(await server.database(), { poolSize: 2, connectTimeoutMs: 500, retryTimeoutMs: 0 });
    let release = () => {};
    const released = new Promise<void>((done) => {
      release = done;
    });
    const reading = [1, 2].map(() => log.database.run("read", "once", () => released));
    const beat = log.store.turns.beat({ nodeId: "a", machine: "m", pid: 1 });
    await beat.finally(release);
    await Promise.all(reading);
    expect((await log.store.turns.nodes()).map(({ nodeId }) => nodeId)).toEqual(["a"]);
  });
});

test("a connection that is lost in the message that opens it does not end the process", async () => {
  const message = (type: string, ...body: Buffer[]) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(4 + Buffer.concat(body).length);
    return Buffer.concat([Buffer.from(type), length, ...body]);
  };
  const fatal = "SFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0";
  const made = [message("R", Buffer.alloc(4)), message("Z", Buffer.from("I"))];
  await using dying = createServer((socket) => {
    socket
      .on("error", () => {})
      .once("data", () => socket.end(Buffer.concat([...made, message("E", Buffer.from(fatal))])));
  });
  dying.listen(0, "127.0.0.1");
  await once(dying, "listening");
  const { port } = dying.address() as AddressInfo;
  const url = `postgres://u@127.0.0.1:${port}/d`;
  const database = new Database({ driver: "postgres", url, retryTimeoutMs: 50 }, () => {});
  await expect(database.read("SELECT 1")).rejects.toThrow(/postgres:\/\/127.*not queryable/);
  await database.close();
});

onServer("opening", () => {
  const booting = fileURLToPath(new URL("./migrating.mjs", import.meta.url));

  test.each([1, 2, 3, 4, 5])("works for three processes at once on an empty database, round %i", async () => {
    const url = await server.database();
    const outputs = await Promise.all(
      [1, 2, 3].map(async () => {
        const child = spawn(process.execPath, [booting, url], { stdio: ["ignore", "pipe", "inherit"] });
        let output = "";
        child.stdout.on("data", (chunk) => {
          output += chunk;
        });
        await once(child, "close");
        return output;
      }),
    );
    expect(outputs).toEqual(Array(3).fill(`open ${schemaVersion}\n`));
  });

  const failing = async (url: string, more?: Partial<PostgresConfig>) => {
    const error = await open(url, more).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error?.name).toBe("StoreError");
    expect(JSON.stringify([error?.message, error?.stack, String(error?.cause)])).not.toContain("word");
    return error;
  };

  test("fails at once where no database is, without the password, and says what to do", async () => {
    await using proxy = await startTcpProxy(server.port);
    proxy.refuse();
    expect(await failing(`postgres://me:word@127.0.0.1:${proxy.port}/chats?application_name=word`)).toMatchObject({
      kind: "open",
      retryable: true,
      message: expect.stringMatching(/^cannot open the event log postgres:\/\/127\.0\.0\.1:\d+\/chats: .+/),
      hint: "make sure that PostgreSQL runs there and can be reached from here, or set chat.storage.url",
    });
  });

  test("gives up on a machine that does not answer", async () => {
    await using proxy = await startTcpProxy(server.port);
    proxy.freeze();
    const url = through(proxy, await server.database());
    expect(await failing(url, { connectTimeoutMs: 100 })).toMatchObject({ kind: "open", retryable: true });
  });

  test("names the database that is missing, and the user that has no access", async () => {
    expect(await failing(`postgres://postgres:word@127.0.0.1:${server.port}/nowhere`)).toMatchObject({
      message: expect.stringContaining('database "nowhere" does not exist'),
      hint: 'create it (CREATE DATABASE "nowhere"), or name another one in chat.storage.url',
    });
    expect(await failing(`postgres://nobody:word@127.0.0.1:${server.port}/postgres`)).toMatchObject({
      kind: "open",
      hint: "check the user and the password in chat.storage.url",
    });
  });

  test("refuses a new database whose encoding lacks characters", async () => {
    await query(await server.database(), "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    expect(await failing(`postgres://postgres:word@127.0.0.1:${server.port}/latin`)).toMatchObject({
      kind: "open",
      message: expect.stringContaining("has the encoding LATIN1"),
      hint: "create the database with ENCODING 'UTF8' TEMPLATE template0",
    });
  });

  test("leaves unchanged the database of another program, of a newer version, and of an unreleased build", async () => {
    const [other, newer, unreleased] = [await server.database(), await server.database(), await server.database()];
    await query(other, "CREATE TABLE events (name text)");
    await expect(open(other)).rejects.toMatchObject({
      kind: "open",
      message: expect.stringContaining("another program"),
    });
    expect(await query(other, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).toEqual([
      { tablename: "events" },
    ]);
    await (await open(newer)).store.close();
    await query(newer, `UPDATE mcp_platform_version SET version = ${schemaVersion + 1}`);
    await expect(open(newer)).rejects.toMatchObject({
      kind: "newer_schema",
      message: expect.stringContaining(`(schema ${schemaVersion + 1}, this version knows ${schemaVersion})`),
      hint: "update this program, or name another database in chat.storage.url",
    });
    await query(unreleased, "CREATE TABLE mcp_platform_schema AS SELECT 23 AS version");
    await expect(open(unreleased)).rejects.toMatchObject({
      kind: "open",
      message: expect.stringContaining("was made by an unreleased build"),
      hint: expect.stringContaining("name another database in chat.storage.url"),
    });
  });
});

onServer("a process that changes the schema", () => {
  test("may do other things meanwhile for longer than a transaction may be idle", async () => {
    const url = await server.database();
    await using log = await open(url, { leaseMs: 200 });
    const migrated = underMigrationLock(log.database, async (client) => {
      await query(url, "SELECT pg_sleep(0.2)");
      return (await client.query("SELECT 1 AS one")).rows;
    });
    expect(await migrated).toEqual([{ one: 1 }]);
  });

  test("works alone, and the next one sees what it has made", async () => {
    const url = await server.database();
    await using first = await open(url);
    await using second = await open(url);
    let waiting: Promise<unknown> | undefined;
    await underMigrationLock(first.database, async (client) => {
      waiting = underMigrationLock(second.database, (other) => other.query("SELECT FROM made"));
      await until(url, "SELECT FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()");
      await client.query("CREATE TABLE made (id integer)");
    });
    expect(await waiting).toMatchObject({ rowCount: 0 });
  });

  test("makes others wait, also longer than a statement may take", async () => {
    const url = await server.database();
    await using first = await open(url);
    await using second = await open(url, { statementTimeoutMs: 100 });
    let waited: Promise<void> | undefined;
    await underMigrationLock(first.database, async (client) => {
      waited = expect(underMigrationLock(second.database, async () => "made")).resolves.toBe("made");
      await client.query("SELECT pg_sleep(2.5)"); // longer than the 100 ms, and the 2 s by which an answer may be late
    });
    await waited;
  });
});

onServer("a database that goes away", () => {
  test("is waited for by a running turn, which continues when the server was killed and restarted", async () => {
    await using own = await startPostgres(["synchronous_commit=on"]);
    await using log = await open(await own.database());
    const { store } = log;
    await store.claim("c", one.user("hello"), request("a"));
    const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "a")) ?? {};
    await append(store, "c", one.answer("before"), { fence, position: 2 });
    await own.kill();
    const waiting = [
      append(store, "c", one.answer("after"), { fence, position: 3 }),
      append(store, "c", one.end(), { fence, position: 4 }),
    ];
    const claimed = store.claim("d", two.user("meanwhile"), request("a"));
    const read = store.read("c");
    await own.restart();
    expect((await Promise.all(waiting)).map(({ seq }) => seq)).toEqual([3, 4]);
    expect(await claimed).toMatchObject({ created: true });
    expect((await read).length).toBeGreaterThanOrEqual(2);
    expect((await store.read("c")).map(({ type }) => type)).toEqual([
      "user_message",
      "assistant_message",
      "assistant_message",
      "turn_end",
    ]);
    const messages = log.seen
      .filter(({ message }) => !message.includes("notices from other hosts"))
      .map(({ message }) => message);
    expect(messages).toEqual([
      expect.stringMatching(/^cannot write the event log postgres:.*; trying again for 30 s$/),
      expect.stringMatching(/can be reached again$/),
    ]);
  });

  test.each([
    ["takes no writes", "SET default_transaction_read_only = on", "SET default_transaction_read_only = off"],
    ["takes no connections", "ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true"],
    ["has too many connections", "CONNECTION LIMIT 0", "CONNECTION LIMIT -1"],
  ])("is waited for while it %s, and stores an event once", async (_, begins, ends) => {
    const url = await server.database();
    const name = new URL(url).pathname.slice(1);
    const role = `guest_${name}`;
    await query(url, `CREATE ROLE ${role} LOGIN; ALTER DATABASE ${name} OWNER TO ${role}`);
    await query(url, `GRANT ALL ON SCHEMA public TO ${role}`);
    await using log = await open(url.replace("//postgres@", `//${role}@`), { sharedSchema: true });
    const elsewhere = url.replace(name, "postgres");
    const kill = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`;
    await log.store.claim("c", one.user("hello"), { ...request("a"), acquires: true });
    await query(elsewhere, `ALTER DATABASE ${name} ${begins}`);
    await query(elsewhere, kill);
    let hasFailed = false;
    const stored = Promise.all([
      append(log.store, "c", one.answer("paid"), { fence: 1, position: 2 }),
      log.store.claim("d", two.user("new"), request("b")),
    ]);
    stored.catch(() => {
      hasFailed = true;
    });
    const isWaiting = () => log.seen.some(({ message }) => message.includes("trying again"));
    while (!hasFailed && !isWaiting()) await query(elsewhere, "SELECT");
    await query(elsewhere, `ALTER DATABASE ${name} ${ends}`);
    await stored;
    expect((await log.store.read("c")).map(({ type }) => type)).toEqual(["user_message", "assistant_message"]);
    expect(await log.store.read("d")).toHaveLength(1);
  });

  test("is given up after the configured time, with an error that may pass", async () => {
    await using proxy = await startTcpProxy(server.port);
    await using log = await open(through(proxy, await server.database()), { retryTimeoutMs: 300 });
    proxy.refuse();
    await expect(log.store.read("c")).rejects.toMatchObject({
      kind: "write",
      retryable: true,
      hint: expect.stringContaining("make sure that PostgreSQL runs there"),
    });
  });

  test("stores an event once if its answer is lost, also when another host sends it again", async () => {
    await using proxy = await startTcpProxy(server.port);
    const url = await server.database();
    await using log = await open(through(proxy, url));
    const { store } = log;
    await store.claim("c", one.user("hello"), request("a"));
    const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "a")) ?? {};
    proxy.mute();
    const appended = append(store, "c", one.answer("hi"), { fence, position: 2 });
    await until(url, "SELECT FROM events WHERE position = 2");
    proxy.reset();
    expect(await appended).toMatchObject({ seq: 2 });
    proxy.mute();
    const ended = append(store, "c", one.end(), { fence, position: 3 });
    await until(url, "SELECT FROM events WHERE position = 3");
    proxy.reset();
    expect(await ended).toMatchObject({ seq: 3 });
    proxy.mute();
    const claimed = store.claim("c", two.user("again", "r2"), request("a"));
    await until(url, "SELECT FROM events WHERE request_id = 'r2'");
    proxy.reset();
    expect(await claimed).toMatchObject({ turnId: "turn_2", ended: false, events: [{ seq: 4 }] });
    expect(await store.read("c")).toHaveLength(4);
  });

  test("stores events that belong together once if its answer is lost", async () => {
    await using proxy = await startTcpProxy(server.port);
    const url = await server.database();
    await using log = await open(through(proxy, url));
    const { store } = log;
    await store.claim("c", one.user("hello"), request("a"));
    const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "a")) ?? {};
    const both = (first: number) => [{ seq: first }, { seq: first + 1 }];
    proxy.mute();
    const hop = store.appendAll("c", [one.answer("", [call("a")]), one.planned(call("a"))], { fence, position: 2 });
    await until(url, "SELECT FROM events WHERE position = 3");
    proxy.reset();
    expect(await hop).toMatchObject(both(2));
    proxy.mute();
    const ended = store.appendAll("c", [one.answer("hi"), one.end()], { fence, position: 4 });
    await until(url, "SELECT FROM events WHERE position = 5");
    proxy.reset();
    expect(await ended).toMatchObject(both(4));
    expect(await store.read("c")).toHaveLength(5);
  });

  test("gets a cancel a second time, but not an answer, because only the first answer counts", async () => {
    await using proxy = await startTcpProxy(server.port);
    const url = await server.database();
    await using log = await open(through(proxy, url));
    const { turns } = log.store;
    await log.store.claim("c", one.user("hello"), request("a"));
    await turns.acquire("c", "turn_1", "a");
    proxy.mute();
    const cancelled = turns.send("c", "turn_1", { type: "cancel" });
    await until(url, "SELECT FROM mail");
    proxy.reset();
    expect(await cancelled).toBe(true);
    expect((await turns.receive("a")).map(({ mail }) => mail)).toContainEqual({ type: "cancel" });
    proxy.mute();
    const answered = turns.send("c", "turn_1", { type: "answer", questionId: "q", value: true });
    answered.catch(() => {});
    await until(url, "SELECT FROM mail WHERE question_id = 'q'");
    proxy.reset();
    await expect(answered).rejects.toMatchObject({ kind: "write", retryable: true });
  });

  test("gets no statement a second time that would mean something else then", async () => {
    await using proxy = await startTcpProxy(server.port);
    const url = await server.database();
    await using log = await open(through(proxy, url));
    await append(log.store, "c", one.user("hello"));
    await log.store.read("c"); // by now no connection is busy or new
    const amended = log.store.archive.amend("c", () => {
      proxy.mute();
      return one.answer("hi");
    });
    amended.catch(() => {});
    await until(url, "SELECT FROM pg_stat_activity WHERE wait_event = 'ClientRead' AND state = 'idle in transaction'");
    proxy.reset();
    await expect(amended).rejects.toMatchObject({ kind: "write", retryable: true });
  });

  test("is given up when it does not answer, and work continues on another connection", async () => {
    await using proxy = await startTcpProxy(server.port);
    await using log = await open(through(proxy, await server.database()), { statementTimeoutMs: 200 });
    await append(log.store, "c", one.user("hello"));
    proxy.mute();
    expect(await log.store.read("c")).toHaveLength(1);
  });

  test("loses no mail if its answer was lost", async () => {
    await using proxy = await startTcpProxy(server.port);
    const url = await server.database();
    await using log = await open(through(proxy, url), { poolSize: 1 });
    await log.store.claim("c", one.user("hello"), request("a"));
    await query(
      url,
      "INSERT INTO mail (conversation_id, turn_id, mail) VALUES ('c', 'turn_1', '{\"type\":\"cancel\"}')",
    );
    const rows = log.database.rows.bind(log.database);
    let statements = 0;
    log.database.rows = async (...args) => {
      if (++statements === 2) proxy.mute();
      return rows(...(args as Parameters<typeof rows>)) as never;
    };
    const received = log.store.turns.receive("a");
    await until(url, "SELECT FROM mail WHERE fence IS NOT NULL");
    proxy.reset();
    expect(await received).toMatchObject([{ mail: { type: "cancel" } }]);
    expect(await log.store.turns.receive("a")).toEqual([]);
  });
});

onServer("a process that waits for other processes", () => {
  test("notices what they write, but not its own writing", async () => {
    const url = await server.database();
    await using ours = await open(url);
    await using theirs = await open(url);
    let hear = (_payload: string) => {};
    const heard = new Promise<string>((resolve) => {
      hear = resolve;
    });
    await new Promise<void>((missed) => ours.listener.subscribe("heard", { notice: hear, missed }));
    await append(ours.store, "c", one.user("hello"));
    await query(url, "SELECT pg_notify('heard', 'after')");
    expect(await heard).toBe("after");
    const before = await ours.store.turns.version();
    expect(await ours.store.turns.version()).toBe(before);
    const seal = await NoticeSeal.of(ours.database);
    const changed = new Promise<string | undefined>((resolve) =>
      ours.listener.subscribe(logChannel, {
        notice: (payload) => resolve(seal.open(logChannel, payload)),
        missed: () => {},
      }),
    );
    await append(theirs.store, "c", one.answer("hi"));
    expect(await changed).toMatch(/^log_\w+ c$/);
    expect(await ours.store.turns.version()).not.toBe(before);
  });

  test("gets notices again after its connection was lost, and learns that it may have missed some", async () => {
    await using proxy = await startTcpProxy(server.port);
    const url = await server.database();
    await using log = await open(through(proxy, url));
    let missed = () => {};
    let heard = (_payload: string) => {};
    const listening = new Promise<void>((resolve) => {
      missed = resolve;
    });
    log.listener.subscribe("news", {
      notice: (payload) => heard(payload),
      missed: () => missed(),
    });
    await listening;
    const again = new Promise<void>((resolve) => {
      missed = resolve;
    });
    proxy.reset();
    await again;
    const news = new Promise<string>((resolve) => {
      heard = resolve;
    });
    await query(url, "SELECT pg_notify('news', 'x')");
    expect(await news).toBe("x");
  });

  test("polls several times a second where it cannot listen, as behind a pooler in transaction mode", async () => {
    const url = await server.database();
    await using log = await open(url, { listen: false });
    expect(log.listener.isListening).toBe(false);
    const before = await log.store.turns.version();
    const startedAt = processorMs();
    while ((await log.store.turns.version()) === before);
    expect(processorMs() - startedAt).toBeLessThan(2_000);
    const named = "SELECT FROM pg_prepared_statements";
    expect(await log.database.read(named)).toEqual([]);
    const settings = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    expect(await query(url, settings)).toEqual([]);
  });
});

onServer("a claim", () => {
  const acquiring = (nodeId: string) => ({ ...request(nodeId), acquires: true });

  test("acquires its turn at once if that is the first unfinished turn of the conversation", async () => {
    await using log = await open(await server.database());
    const { store } = log;
    const claim = await store.claim("c", one.user("hello"), acquiring("a"));
    expect(claim).toMatchObject({ created: true, lease: { fence: 1, crashes: 0, options: request("a").options } });
    const again = await store.claim("c", one.user("hello"), acquiring("a"));
    expect(again).toMatchObject({ created: false, ended: false });
    expect(again.lease).toBeUndefined();
    expect((await store.claim("c", two.user("and"), acquiring("a"))).lease).toBeUndefined();
    expect(await store.turns.acquire("c", "turn_2", "a")).toBeUndefined();
    await append(store, "c", one.end(), { fence: 1, position: 2 });
    expect(await store.turns.acquire("c", "turn_2", "a")).toMatchObject({ fence: 1, crashes: 0 });
  });

  test("gives up its turn when its host dies, and the crash counts for the turn", async () => {
    await using log = await open(await server.database());
    const { store } = log;
    await store.turns.beat({ nodeId: "a", machine: "m", pid: 1 });
    await store.claim("c", one.user("hello"), acquiring("a"));
    await store.turns.bury("a", Number.MAX_SAFE_INTEGER);
    await expect(append(store, "c", one.answer("late"), { fence: 1, position: 2 })).rejects.toMatchObject({
      kind: "fenced",
    });
    expect(await store.turns.acquire("c", "turn_1", "b")).toMatchObject({ fence: 3, crashes: 1 });
  });
});

onServer("a request that is repeated while its turn and the next turn end", () => {
  test("has ended, and its turn does not run again", async () => {
    const url = await server.database();
    await using log = await open(url);
    await log.store.claim("c", one.user("hello", "r1"), { ...request("a"), acquires: true });
    await log.store.claim("c", two.user("and", "r2"), request("a"));
    const waiting = (count: number) =>
      until(url, `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted HAVING count(*) = ${count}`);
    const endOf = (turnId: string) => {
      const event = turn(turnId).end();
      return ["c", turnId, [event.type], [JSON.stringify(event)], 5, 2, 1, ...Array(6).fill(null), "ended"];
    };
    let again: Promise<unknown> | undefined;
    let ended: Promise<unknown> | undefined;
    await log.database.transaction("now", async (client) => {
      await lock(client, "c");
      again = log.store.claim("c", one.user("hello", "r1"), request("b"));
      await waiting(1);
      ended = log.database.transaction("now", async (next) => {
        await lock(next, "c");
        await waiting(1); // The request has found that its turn is known, and waits for the lock again.
        await next.query(appendEnd, endOf("turn_1"));
        await next.query("UPDATE turns SET state = 'running', fence = 1 WHERE turn_id = 'turn_2'");
        await next.query(appendEnd, endOf("turn_2"));
      });
      await waiting(2);
    });
    await ended;
    expect(await again).toMatchObject({ turnId: "turn_1", ended: true, events: [{ seq: 1 }, { seq: 3 }] });
    expect(await query(url, "SELECT turn_id FROM turns")).toEqual([{ turn_id: "turn_2" }]);
  });
});

onServer("requests that come while a turn of their conversation is written", () => {
  test("leave no gap in the numbers of events, and none is lost or stored twice", async () => {
    const url = await server.database();
    await using writing = await open(url);
    await using asking = await open(url);
    await writing.store.turns.beat({ nodeId: "a", machine: "m", pid: 1 });
    const { lease } = await writing.store.claim("c", one.user("hello"), { ...request("a"), acquires: true });
    const fence = lease?.fence ?? 0;
    const each = 60;
    const answers = async () => {
      for (let position = 2; position < 2 + each; position++) {
        await append(writing.store, "c", one.answer(`answer ${position}`), { fence, position });
      }
    };
    const requests = async () => {
      for (let index = 0; index < each; index++) {
        const { user } = turn(`turn_r${index}`);
        expect(await asking.store.claim("c", user("and", `r${index}`), request("b"))).toMatchObject({ created: true });
      }
    };
    await Promise.all([answers(), requests()]);
    const events = await asking.store.read("c");
    expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: 1 + 2 * each }, (_, index) => index + 1));
    expect(events.filter(({ type }) => type === "assistant_message")).toHaveLength(each);
  });
});

onServer("a process that stops in the middle of a transaction", () => {
  test("does not keep others from taking over its turns", async () => {
    const url = await server.database();
    await using still = await open(url, { leaseMs: 1_000 });
    await using other = await open(url);
    await still.store.turns.beat({ nodeId: "a", machine: "m", pid: 1 });
    await still.store.claim("c", one.user("hello"), request("a"));
    let goOn = () => {};
    const held = new Promise<void>((locked) => {
      const work = still.database.transaction("once", async (client) => {
        await client.query("SELECT FROM turns FOR UPDATE");
        locked();
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
      });
      work.catch(() => {}); // the server ended its connection
    });
    await held;
    await other.store.turns.bury("a", Number.MAX_SAFE_INTEGER);
    expect(await other.store.turns.abandoned({ conversationId: "c" })).toHaveLength(1);
    goOn();
  });
});

onServer("many writers of one conversation", () => {
  test("number its events without a gap, and each process in the order of its calls", async () => {
    const url = await server.database();
    const logs = await Promise.all([1, 2, 3].map(() => open(url)));
    const written = await Promise.all(
      logs.flatMap(({ store }, writer) =>
        Array.from({ length: 40 }, async (_, index) => {
          const { events } = await store.claim("c", turn(`${writer}_${index}`).user("hello"), request("a"));
          return events[0] as StoredEvent;
        }),
      ),
    );
    const seqs = written.map(({ seq }) => seq);
    expect(seqs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 120 }, (_, index) => index + 1));
    for (const from of [0, 40, 80]) {
      const own = seqs.slice(from, from + 40);
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
    for (const { store } of logs) await store.close();
  });

  test("are fenced by a takeover that runs while they write", async () => {
    const url = await server.database();
    await using log = await open(url);
    const { store } = log;
    const seenAt = await store.turns.beat({ nodeId: "a", machine: "m", pid: 1 });
    await store.claim("c", one.user("hello"), request("a"));
    const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "a")) ?? {};
    let appended: Promise<unknown> | undefined;
    await log.database.transaction("once", async (client) => {
      await client.query("UPDATE turns SET fence = fence + 1 WHERE turn_id = 'turn_1'");
      appended = append(store, "c", one.answer("late"), { fence, position: 2 });
      appended.catch(() => {});
      await until(url, "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()");
    });
    await expect(appended).rejects.toMatchObject({ kind: "fenced" });
    await store.turns.bury("a", seenAt);
    expect(await store.read("c")).toHaveLength(1);
  });

  test("keep a conversation from being deleted whose lost turn they are taking over", async () => {
    const url = await server.database();
    await using log = await open(url);
    const { store } = log;
    const seenAt = await store.turns.beat({ nodeId: "a", machine: "m", pid: 1 });
    await store.claim("c", one.user("hello"), request("a"));
    await store.turns.bury("a", seenAt);
    let deleted: Promise<unknown> | undefined;
    await log.database.transaction("once", async (client) => {
      await client.query("UPDATE turns SET state = 'running', node_id = 'b', fence = fence + 1");
      deleted = store.archive.delete("c");
      deleted.catch(() => {});
      await until(url, "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()");
    });
    await expect(deleted).rejects.toMatchObject({ kind: "busy" });
    expect(await store.read("c")).toHaveLength(1);
  });

  test("leave no mail behind that arrives with the end of its turn", async () => {
    const url = await server.database();
    await using log = await open(url);
    const { store } = log;
    await store.turns.beat({ nodeId: "a", machine: "m", pid: 1 });
    await store.claim("c", one.user("hello"), request("a"));
    const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "a")) ?? {};
    let sent: Promise<boolean> | undefined;
    await log.database.transaction("once", async (client) => {
      await lock(client, "c");
      const values = [
        "c",
        "turn_1",
        ["turn_end"],
        [JSON.stringify(one.end())],
        Date.now(),
        2,
        fence,
        ...Array(6).fill(null),
        "ended",
      ];
      await client.query(appendEnd, values);
      sent = store.turns.send("c", "turn_1", { type: "cancel" });
      await until(url, "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()");
    });
    expect(await sent).toBe(false);
    expect(await query(url, "SELECT FROM mail")).toEqual([]);
  });
});
