import { EventEmitter, once } from "node:events";
import { expect, test } from "@jest/globals";
import type { ChatStore } from "../../src/core/chat-store.js";
import type { StorageConfig } from "../../src/core/config.js";
import type { Observation } from "../../src/core/ports.js";
import { openStore } from "../../src/log/open.js";
import { connect } from "../../src/log/sqlite/connection.js";
import { query } from "../support/postgres.js";
import { newStorage } from "../support/storages.js";
import { inFolder, listed, request, stepsAfterSearchUndone, turn } from "./support.js";

const sqliteBefore = `${stepsAfterSearchUndone.sqlite} DROP TABLE searched; DROP TABLE search_index; DROP TABLE search_fill; PRAGMA user_version = 10`;
const postgresBefore = `${stepsAfterSearchUndone.postgres} DROP TABLE searched, search_fill; DROP FUNCTION searched_text, search_grams; UPDATE mcp_platform_schema SET version = 10`;

/** Brings the log back to the schema without an index for searches. */
async function withoutIndex(storage: StorageConfig): Promise<void> {
  if (storage.driver === "postgres") return void (await query(storage.url, postgresBefore));
  if (storage.driver !== "sqlite") throw new Error("a log in memory has no schema");
  const db = await connect(storage.path);
  db.exec(sqliteBefore);
  db.close();
}

/** Runs a turn of the conversation from its request to its end. */
async function ended(store: ChatStore, conversationId: string, turnId: string, text: string): Promise<void> {
  const { user, end } = turn(turnId);
  await store.claim(conversationId, user(text), request("n"));
  const { fence = 0 } = (await store.turns.acquire(conversationId, turnId, "n")) ?? {};
  await store.appendAll(conversationId, [end()], { fence, position: 2 });
}

async function found(store: ChatStore, text: string): Promise<string[]> {
  const { conversations } = await store.conversations({ most: 100, text });
  return conversations.map(({ conversationId }) => conversationId);
}

test("messages of an earlier version are found once they are in the index, and until then their conversations by their titles", () =>
  inFolder(async (folder) => {
    const storage = await newStorage(folder);
    const store = await openStore(storage, { now: Date.now, observe: () => undefined });
    for (let count = 0; count < 120; count++)
      await ended(store, `c${count}`, `turn_${count}`, `weather in town ${count}`);
    await ended(store, "c7", "turn_second", "and the NEEDLE, please");
    await ended(store, "c8", "turn_removed", "a needle that a rewind removes");
    await store.archive.amend("c8", () => ({ type: "rewind", turnId: "rewind", toSeq: 0 }));
    await ended(store, "single_1", "turn_single", "a needle of a single call");
    const before = await listed(store);
    const expected = { needle: await found(store, "needle"), title: await found(store, "TOWN 8") };
    expect(expected).toEqual({
      needle: ["c7"],
      title: ["c8", ...Array.from({ length: 10 }, (_, index) => `c${89 - index}`)],
    });
    await store.close();
    await withoutIndex(storage);

    const seen: Observation[] = [];
    const over = new EventEmitter();
    const isOver = once(over, "over");
    const observe = (observation: Observation) => {
      seen.push(observation);
      if (observation.message.startsWith("searches find all")) over.emit("over");
    };
    const migrated = await openStore(storage, { now: Date.now, observe });
    try {
      expect(await found(migrated, "needle")).toEqual([]);
      expect(await found(migrated, "town 8")).toEqual(expected.title);
      await migrated.archive.delete("c119");
      await ended(migrated, "c6", "turn_new", "another needle");
      await isOver;
      expect(await found(migrated, "needle")).toEqual(["c6", ...expected.needle]);
      expect(await found(migrated, "town 8")).toEqual(expected.title);
      expect(await found(migrated, "town 119")).toEqual([]);
      expect((await listed(migrated)).length).toBe(before.length - 1);
      expect(seen.map(({ level }) => level)).toEqual(["info", "info"].slice(-seen.length));
    } finally {
      await migrated.close();
    }
  }));
