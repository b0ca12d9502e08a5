import { describe, expect, test } from "@jest/globals";
import pg from "pg";
import { DeltaRelay } from "../../../src/cluster/live/delta-relay.js";
import { newId } from "../../../src/core/ids.js";
import { logChannel } from "../../../src/log/postgres/notices.js";
import { databaseSchema, migrateDatabase, openPostgresLog } from "../../../src/log/postgres/open.js";
import { query } from "../../support/postgres.js";
import { newDatabaseUrl, noPostgres } from "../../support/storages.js";
import { append, request, turn } from "../support.js";

const onPostgres = noPostgres ? describe.skip : describe;

/** An object whose conversion to a string throws, because JSON has set its own `toString`. */
const mute = { toString: 1 };
const place = { conversationId: "c", turnId: "t", after: 0, fence: 1, attempt: 0 };
const nonsense = [
  "",
  "no JSON",
  "null",
  "5",
  "[null]",
  "[[[",
  '{"key":null}',
  JSON.stringify({ key: "k", places: mute }),
];
const frames = [
  [{ ...place, text: [-5, "x"] }],
  [{ ...place, notices: [[1, { type: "tool_progress", callId: mute }]] }],
  [{ ...place, notices: [[1, { type: "server_status", server: mute }]] }],
];

onPostgres("a forged notice of another database user", () => {
  test("ends no host, and later notices arrive", async () => {
    const url = await newDatabaseUrl();
    const log = await openPostgresLog({ driver: "postgres", url }, { now: Date.now, observe: () => {}, newId });
    const { live: bus } = log.store;
    if (!bus) throw new Error("nothing to hear by");
    const relay = new DeltaRelay({ bus, nodeId: "n" });
    const { leave } = relay.follow("c", () => {});
    const notify = (channel: string, payload: string) => query(url, `SELECT pg_notify('${channel}', '${payload}')`);
    let heard = (_text: string) => {};
    const last = new Promise<string>((resolve) => {
      heard = resolve;
    });
    await new Promise<void>((begun) => bus.receive("last", heard, begun));
    for (const channel of [logChannel, "mcp_platform_live", "mcp_platform_live n"]) {
      for (const text of nonsense) await notify(channel, text);
    }
    for (const each of frames) await notify("mcp_platform_live n", JSON.stringify(each));
    await notify("mcp_platform_last", "forged");
    await bus.send([{ channel: "last", text: "heard" }]);
    expect(await last).toBe("heard");
    leave();
    relay.close();
    await log.store.close();
  });

  test("is ignored, and messages between hosts cannot be read", async () => {
    const url = await newDatabaseUrl();
    const open = () => openPostgresLog({ driver: "postgres", url }, { now: Date.now, observe: () => {}, newId });
    const [writer, reader] = [await open(), await open()];
    const { stranger, overheard } = await listening(url, ["mcp_platform_talk", "mcp_platform_other", logChannel]);
    const received: string[] = [];
    const bus = reader.store.live;
    if (!bus || !writer.store.live) throw new Error("no bus");
    let end = () => {};
    const last = new Promise<void>((resolve) => {
      end = resolve;
    });
    const hear = (text: string) => {
      received.push(text);
      if (text === "the last word") end();
    };
    for (const channel of ["talk", "other"]) await new Promise<void>((begun) => bus.receive(channel, hear, begun));
    await writer.store.live.send([{ channel: "talk", text: "the secret of c1" }]);
    await append(writer.store, "conversation-1", turn("t").user("hello"));
    while (overheard.length < 2) await new Promise(setImmediate);
    expect(JSON.stringify(overheard)).not.toMatch(/secret|conversation-1/);
    const sealed = overheard.find(({ channel }) => channel === "mcp_platform_talk")?.payload ?? "";
    const changed = `${sealed.slice(0, 60)}${sealed[60] === "A" ? "B" : "A"}${sealed.slice(61)}`;
    await stranger.query("SELECT pg_notify('mcp_platform_talk', 'the secret of c1')");
    await stranger.query("SELECT pg_notify('mcp_platform_other', $1)", [sealed]);
    await stranger.query("SELECT pg_notify('mcp_platform_talk', $1)", [changed]);
    await writer.store.live.send([{ channel: "talk", text: "the last word" }]);
    await last;
    expect(received).toEqual(["the secret of c1", "the last word"]);
    await expect(stranger.query("SELECT key FROM notice_key")).rejects.toThrow(/permission denied/);
    await stranger.end();
    for (const log of [writer, reader]) await log.store.close();
  });

  test("a request is announced unless its host runs it at once", async () => {
    const url = await newDatabaseUrl();
    const { store } = await openPostgresLog({ driver: "postgres", url }, { now: Date.now, observe: () => {}, newId });
    const { stranger, overheard } = await listening(url, [logChannel]);
    const claim = (id: string) =>
      store.claim("c", turn(id).user("hello"), { ...request("n"), acquires: true }).then(({ lease }) => lease);
    expect([await claim("turn_1"), await claim("turn_2")]).toEqual([expect.objectContaining({ fence: 1 }), undefined]);
    await query(url, `SELECT pg_notify('${logChannel}', 'last')`);
    while (overheard.at(-1)?.payload !== "last") await new Promise(setImmediate);
    expect(overheard).toHaveLength(2); // that of the second turn, which waits for the first one, and the last
    await stranger.end();
    await store.close();
  });

  test("migrate warns if every role may connect", async () => {
    const url = await newDatabaseUrl();
    const config = { driver: "postgres" as const, url };
    const warnings: string[] = [];
    const observe = ({ message }: { message: string }) => void warnings.push(message);
    await migrateDatabase(config, observe);
    const revoke = /REVOKE CONNECT ON DATABASE "?[^" ]+"? FROM PUBLIC/;
    expect(warnings).toEqual([expect.stringMatching(revoke)]);
    await query(url, revoke.exec(warnings[0] ?? "")?.[0] ?? "");
    await migrateDatabase(config, observe);
    expect(warnings).toHaveLength(1);
  });
});

/** Connects as a role without rights in this database and collects the notices that it receives. */
async function listening(url: string, channels: readonly string[]) {
  await query(
    url,
    "DO $$ BEGIN CREATE ROLE stranger LOGIN PASSWORD 'x'; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
  );
  const address = new URL(url);
  address.username = "stranger";
  address.password = "x";
  const stranger = new pg.Client({ connectionString: address.href });
  await stranger.connect();
  const overheard: { channel: string; payload: string }[] = [];
  stranger.on("notification", ({ channel, payload = "" }) => overheard.push({ channel, payload }));
  for (const channel of channels) await stranger.query(`LISTEN ${channel}`);
  return { stranger, overheard };
}

onPostgres("a database where any role may make functions in the schema of the log", () => {
  test("is refused before such a function can run, unless the configuration allows it", async () => {
    const url = await newDatabaseUrl();
    await query(url, "GRANT CREATE ON SCHEMA public TO PUBLIC");
    const { stranger } = await listening(url, []);
    await stranger.query(
      `CREATE FUNCTION pg_advisory_xact_lock(text) RETURNS void LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'a function of a stranger runs as %', current_user; END $$`,
    );
    const seen: string[] = [];
    const observe = ({ message }: { message: string }) => seen.push(message);
    const config = { driver: "postgres" as const, url };
    const parts = { now: Date.now, observe, newId };
    const refusal = {
      message: expect.stringContaining("can make functions in its schema public"),
      hint: expect.stringContaining('REVOKE CREATE ON SCHEMA "public" FROM PUBLIC'),
    };
    const uses = [
      () => openPostgresLog(config, parts),
      () => migrateDatabase(config, observe),
      () => databaseSchema(config, observe),
    ];
    for (const use of uses) await expect(use()).rejects.toMatchObject(refusal);
    expect(seen).toEqual([]);
    await expect(migrateDatabase({ ...config, sharedSchema: true }, observe)).rejects.toThrow(
      "a function of a stranger",
    );
    expect(seen).toEqual([expect.stringMatching(/REVOKE CREATE ON SCHEMA "public" FROM PUBLIC/)]);
    await query(url, "DROP FUNCTION pg_advisory_xact_lock(text)");
    await (await openPostgresLog({ ...config, sharedSchema: true }, parts)).store.close();
    await query(url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    await (await openPostgresLog(config, parts)).store.close();
    await stranger.end();
  });
});
