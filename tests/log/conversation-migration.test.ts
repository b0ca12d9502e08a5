import { expect, test } from "@jest/globals";
import type { ChatStore } from "../../src/core/chat-store.js";
import type { StorageConfig } from "../../src/core/config.js";
import { openStore } from "../../src/log/open.js";
import { connect } from "../../src/log/sqlite/connection.js";
import { query } from "../support/postgres.js";
import { withStore } from "../support/storages.js";
import { listed, request, stepsAfterSearchUndone, turn } from "./support.js";

const columns = ["updated_at", "title", "title_lower", "workspace", "turns"];
/** Earlier versions kept the row of a turn that had ended, and with it the workspace. */
const sqliteTurns = `INSERT INTO turns (conversation_id, conversation_number, turn_id, request_id, state, place, workspace, options)
  SELECT conversation_id, number, 'last', 'last', 'ended', 1, workspace, 'null' FROM conversations WHERE workspace <> '';`;
const sqliteBefore = `${sqliteTurns} ${stepsAfterSearchUndone.sqlite} DROP TABLE searched; DROP TABLE search_index; DROP TABLE search_fill; DROP INDEX conversations_touched; DROP INDEX conversations_listed; DROP INDEX conversations_updated;
  ${columns.map((name) => `ALTER TABLE conversations DROP COLUMN ${name};`).join(" ")} PRAGMA user_version = 9`;
const postgresBefore = `${stepsAfterSearchUndone.postgres} DROP TABLE searched, search_fill, conversations; DROP FUNCTION keep_conversation CASCADE;
  DROP FUNCTION lower_title, conversation_title, searched_text, search_grams;
  UPDATE mcp_platform_schema SET version = 9`;

/** Brings the log back to the schema that had no rows for lists. */
async function withoutRows(storage: StorageConfig): Promise<void> {
  if (storage.driver === "postgres") return void (await query(storage.url, postgresBefore));
  if (storage.driver !== "sqlite") throw new Error("a log in memory has no schema");
  const db = await connect(storage.path);
  db.exec(sqliteBefore);
  db.close();
}

/** Runs a turn of the conversation from its request to its end: with a summary, an answer and a call of a tool. */
async function worked(store: ChatStore, conversationId: string, count: number, text: string): Promise<void> {
  const { user, answer, sent, result, end, compaction } = turn(`turn_${count}`);
  await store.claim(conversationId, user(text), request("n", `/folder${count}`));
  const { fence = 0 } = (await store.turns.acquire(conversationId, `turn_${count}`, "n")) ?? {};
  const summary = { ...compaction(0, "short"), spent: { tokens: 2 } };
  const done = [summary, { ...answer("x"), spent: { tokens: 3 } }, sent("c1"), result("c1", "42"), end()];
  await store.appendAll(conversationId, done, { fence, position: 2 });
}

/** Runs a turn of the conversation that has nothing but its request and its end. */
async function ended(store: ChatStore, conversationId: string, count: number, text: string): Promise<void> {
  const { user, end } = turn(`turn_${count}`);
  await store.claim(conversationId, user(text), request("n", `/folder${count}`));
  const { fence = 0 } = (await store.turns.acquire(conversationId, `turn_${count}`, "n")) ?? {};
  await store.appendAll(conversationId, [end()], { fence, position: 2 });
}

test("a log of an earlier version is listed as if its conversations had been listed from their beginning", () =>
  withStore(async (store, storage) => {
    await worked(store, "a", 1, "ÄRGER im Haus");
    await ended(store, "a", 2, "more");
    await ended(store, "b", 3, `${"😀".repeat(90)}`);
    await ended(store, "single_1", 4, "one call");
    await store.archive.amend("a", () => ({ type: "rewind", turnId: "rewind", toSeq: 6 }));
    const first = { type: "fork" as const, turnId: "fork", origins: ["a"], toSeq: 6 };
    await store.archive.copy("a", "copy", () => ({ first, seqs: [1, 2, 3, 4, 5, 6] }));
    await store.append("silent", turn("turn_5").end());
    const picture = { type: "image", data: "", mimeType: "image/png" } as const;
    const content = [picture, { type: "text" as const, text: "what\0 is \ud800 it?" }];
    await store.append("picture", { ...turn("turn_6").user(""), content });
    const before = await listed(store);
    expect(before.map(({ conversationId, turns }) => [conversationId, turns])).toEqual([
      ["picture", 1],
      ["silent", 0],
      ["copy", 1],
      ["a", 1],
      ["single_1", 1],
      ["b", 1],
    ]);
    const quarter = { since: 0, until: 900_000 };
    const used = { models: await store.usage.models([quarter]), tools: await store.usage.tools([quarter]) };
    const spent = await store.spent({ since: 0, until: 900_000 });
    expect(used).toMatchObject({ models: [{ requests: 2 }], tools: [{ calls: 1 }] });
    expect(spent).toEqual({ tokens: 5, usd: 0, unpriced: 2, estimated: 0 });
    await withoutRows(storage);
    const migrated = await openStore(storage, { now: () => 1_000, observe: () => undefined });
    try {
      expect(await listed(migrated)).toEqual(before);
      const found = await migrated.conversations({ most: 1, text: "ärger" });
      expect(found).toMatchObject({ conversations: [{ conversationId: "copy" }], next: expect.any(Number) });
      await ended(migrated, "b", 7, "again");
      expect((await listed(migrated))[0]).toMatchObject({ conversationId: "b", turns: 2, workspace: "/folder7" });
      expect(await migrated.usage.progress()).toEqual({ counted: 0, conversations: before.length });
      while (await migrated.usage.countOlder());
      expect(await migrated.usage.models([quarter])).toEqual(used.models);
      expect(await migrated.usage.tools([quarter])).toEqual(used.tools);
      expect(await migrated.spent({ since: 0, until: 900_000 })).toEqual(spent);
      await migrated.archive.delete("a");
      expect(await migrated.usage.models([quarter])).toEqual(used.models); // the copy still has its events
      await migrated.archive.delete("copy");
      expect(await migrated.usage.models([quarter])).toEqual([]);
    } finally {
      await migrated.close();
    }
  }));
