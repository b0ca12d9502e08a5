import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { schemaVersion } from "../../src/log/shared/schema-version.js";
import { stepsOf } from "../../src/log/sql/migrations.js";
import { type Connection, connect } from "../../src/log/sqlite/connection.js";
import { migrate } from "../../src/log/sqlite/migrate.js";
import { openSqliteStore } from "../../src/log/sqlite/store.js";
import { inFolder, listed, request, turn } from "./support.js";

const steps = stepsOf("sqlite");

async function withDatabase(work: (db: Connection, path: string) => void | Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const path = join(folder, "events.db");
    const db = await connect(path);
    await work(db, path);
    db.close();
  });
}

function version(db: Connection): number {
  return (db.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
}

test("an empty file gets the whole schema, and a second time nothing", () =>
  withDatabase(async (db, path) => {
    await migrate(db, path, Date.now);
    const columns = db.prepare("PRAGMA table_info(events)").all() as { name: string }[];
    expect(columns.map(({ name }) => name)).toEqual([
      "id",
      "conversation_id",
      "seq",
      "turn_id",
      "type",
      "request_id",
      "payload",
      "at",
      "position",
    ]);
    expect(version(db)).toBe(schemaVersion);
    await migrate(db, path, Date.now);
    expect(version(db)).toBe(schemaVersion);
    expect(steps).toHaveLength(schemaVersion);
  }));

test("a file of the first version keeps its events, and its unfinished turn can go on", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.db");
    const db = await connect(path);
    await migrate(db, path, Date.now, steps.slice(0, 1));
    const message = JSON.stringify(turn("turn_1").user("hello", "r1"));
    db.prepare("INSERT INTO events VALUES (1, 'c', 1, 'turn_1', 'user_message', 'r1', ?, 5)").all(message);
    db.close();
    const store = await openSqliteStore(path, { now: Date.now, observe: () => undefined });
    const claim = await store.claim("c", turn("turn_2").user("hello", "r1"), request("node"));
    expect(claim).toMatchObject({ created: false, turnId: "turn_1", ended: false, events: [{ seq: 1, at: 5 }] });
    expect(await store.turns.acquire("c", "turn_1", "node")).toMatchObject({ crashes: 0 });
    await store.close();
  }));

test("a file in which each event was in more indexes keeps its events, their order and what makes a repetition one", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.db");
    const db = await connect(path);
    await migrate(db, path, Date.now, steps.slice(0, 6));
    const { user, answer, end } = turn("turn_1");
    const insert = db.prepare(
      "INSERT INTO events (id, conversation_id, seq, turn_id, type, request_id, payload, at, position) VALUES (?, 'c', ?, 'turn_1', ?, ?, ?, 5, ?)",
    );
    insert.all(7, 1, "user_message", "r1", JSON.stringify(user("hello", "r1")), null);
    insert.all(9, 2, "assistant_message", null, JSON.stringify(answer("well")), 2);
    db.exec(
      "INSERT INTO turns (conversation_id, turn_id, request_id, state, place, workspace, options) VALUES ('c', 'turn_1', 'r1', 'queued', 1, 'here', '{}')",
    );
    db.close();
    const store = await openSqliteStore(path, { now: Date.now, observe: () => undefined });
    expect((await store.read("c")).map(({ seq, type }) => [seq, type])).toEqual([
      [1, "user_message"],
      [2, "assistant_message"],
    ]);
    const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "node")) ?? {};
    const again = await store.appendAll("c", [answer("well")], { fence, position: 2 });
    expect(again).toMatchObject([{ seq: 2, at: 5 }]);
    const other = store.appendAll("c", [answer("otherwise")], { fence, position: 2 });
    await expect(other).rejects.toMatchObject({ kind: "fenced" });
    await store.appendAll("c", [end()], { fence, position: 3 });
    expect(await store.claim("c", turn("turn_2").user("hello", "r1"), request("node"))).toMatchObject({
      created: false,
      ended: true,
      events: [{ seq: 1 }, { seq: 2 }, { seq: 3 }],
    });
    await store.close();
    const after = await connect(path);
    expect(after.prepare("SELECT conversation_id AS c, seq FROM events").all()).toEqual([
      { c: "c", seq: 1 },
      { c: "c", seq: 2 },
      { c: "c", seq: 3 },
    ]);
    after.close();
  }));

test("a file whose events lay in the order of their writing keeps conversations, their order, and what their turns wait for", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.db");
    const db = await connect(path);
    await migrate(db, path, Date.now, steps.slice(0, 7));
    const insert = db.prepare(
      "INSERT INTO events (conversation_id, seq, turn_id, type, request_id, payload, at, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    const asked = { message: "May it?", schema: { type: "boolean" } };
    const question = { type: "question", turnId: "turn_b", questionId: "q", question: asked };
    const [a, b] = [turn("turn_a"), turn("turn_b")];
    insert.all("a", 1, "turn_a", "user_message", "r1", JSON.stringify(a.user("hello", "r1")), 1, 1);
    insert.all("b", 1, "turn_b", "user_message", "r1", JSON.stringify(b.user("hi", "r1")), 2, 1);
    insert.all("b", 2, "turn_b", "question", null, JSON.stringify(question), 3, 2);
    insert.all("a", 2, "turn_a", "turn_end", null, JSON.stringify(a.end()), 4, 2);
    db.exec(
      "INSERT INTO turns (conversation_id, turn_id, request_id, state, place, workspace, options) VALUES ('b', 'turn_b', 'r1', 'queued', 1, 'here', '{}')",
    );
    db.close();
    const store = await openSqliteStore(path, { now: () => 5, observe: () => undefined });
    const ids = async () => (await listed(store)).map(({ conversationId }) => conversationId);
    expect(await listed(store)).toEqual([
      { conversationId: "a", lastSeq: 2, updatedAt: 4, title: "hello", workspace: "", turns: 1 },
      { conversationId: "b", lastSeq: 2, updatedAt: 3, title: "hi", workspace: "here", turns: 1 },
    ]);
    expect((await store.read("b", 2)).map(({ seq, type }) => [seq, type])).toEqual([[2, "question"]]);
    await store.turns.beat({ nodeId: "node", machine: "m", pid: 1 });
    const lease = await store.turns.acquire("b", "turn_b", "node");
    await store.turns.bury("node", Number.MAX_SAFE_INTEGER);
    expect(await store.turns.stateOf("b", "turn_b")).toEqual({ isUnfinished: true, crashes: 0 }); // the turn waited for a person
    const fence = (await store.turns.acquire("b", "turn_b", "other"))?.fence ?? 0;
    expect(fence).toBeGreaterThan(lease?.fence ?? 0);
    const grant = { fence, position: 3, lastSeq: 2 };
    expect(await store.appendAll("b", [b.end()], grant)).toMatchObject([{ seq: 3, at: 5 }]);
    expect(await ids()).toEqual(["b", "a"]);
    await store.append("new", turn("turn_c").user("there"));
    expect(await ids()).toEqual(["new", "b", "a"]);
    await store.close();
  }));

test("a new file that another process migrates first, and runs on at once, is opened", () =>
  withDatabase(async (db, path) => {
    const late = migrate(db, path, Date.now); // has found an empty file, and loads the steps
    const other = await connect(path);
    await migrate(other, path, Date.now, steps);
    other.exec(`INSERT INTO nodes (node_id, machine, pid, seen_at) VALUES ('n', 'm', 4711, ${Date.now()})`);
    other.close();
    await late;
    expect(version(db)).toBe(schemaVersion);
  }));

test("a file on which hosts of an earlier version run is left as it is until they have ended, however they did", () =>
  inFolder(async (folder) => {
    const path = join(folder, "events.db");
    const db = await connect(path);
    await migrate(db, path, Date.now, steps.slice(0, 7));
    db.exec("INSERT INTO nodes (node_id, machine, pid, seen_at) VALUES ('n', 'm', 4711, 1000)");
    db.close();
    const open = (now: number) => openSqliteStore(path, { now: () => now, observe: () => undefined });
    const hint = expect.stringContaining("end them (process 4711)");
    await expect(open(10_999)).rejects.toMatchObject({ kind: "locked", retryable: true, hint });
    const after = await connect(path);
    expect(version(after)).toBe(7);
    after.close();
    await (await open(11_000)).close();
  }));

test("a step that fails leaves the file at the step before it, and is taken the next time", () =>
  withDatabase(async (db, path) => {
    const first = ["CREATE TABLE one (a)", "PRAGMA application_id = 0x4d435050"];
    await expect(migrate(db, path, Date.now, [first, ["CREATE TABLE two (a)", "nonsense"]])).rejects.toThrow(
      "nonsense",
    );
    expect(version(db)).toBe(1);
    expect(() => db.exec("SELECT * FROM two")).toThrow("no such table");
    await migrate(db, path, Date.now, [first, ["CREATE TABLE two (a)"]]);
    expect(version(db)).toBe(2);
  }));

test("a file of a newer version is refused, unchanged, with what to do", () =>
  withDatabase(async (db, path) => {
    await migrate(db, path, Date.now);
    db.exec(`PRAGMA user_version = ${schemaVersion + 1}`);
    const opened = openSqliteStore(path, { now: Date.now, observe: () => undefined });
    await expect(opened).rejects.toMatchObject({
      kind: "newer_schema",
      message: `${path} was written by a newer version of this program (schema ${schemaVersion + 1}, this version knows ${schemaVersion})`,
      hint: "update this program, or set chat.storage.path to another file",
    });
    expect(version(db)).toBe(schemaVersion + 1);
  }));

test("the database of another program is not touched", () =>
  withDatabase(async (db, path) => {
    db.exec("CREATE TABLE bookmarks (url)");
    const opened = openSqliteStore(path, { now: Date.now, observe: () => undefined });
    await expect(opened).rejects.toMatchObject({ kind: "open", message: `${path} is a database of another program` });
    expect(db.prepare("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "bookmarks" }]);
    expect(db.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "delete" });
  }));
