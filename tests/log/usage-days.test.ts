import { expect, test } from "@jest/globals";
import type { ChatStore } from "../../src/core/chat-store.js";
import type { StorageConfig } from "../../src/core/config.js";
import { openStore } from "../../src/log/open.js";
import { connect } from "../../src/log/sqlite/connection.js";
import { query } from "../support/postgres.js";
import { newStorage } from "../support/storages.js";
import { inFolder, request, turn } from "./support.js";

/** Reports read totals of whole days, which logs have since schema 23. */

const dayMs = 86_400_000;
const threeDays = [{ since: 0, until: 3 * dayMs }];

/** Runs a turn of 3 input tokens at this time. */
async function spends(store: ChatStore, id: string): Promise<void> {
  const { user, answer, end } = turn(id);
  await store.claim(id, user("hello"), request("n"));
  const { fence = 0 } = (await store.turns.acquire(id, id, "n")) ?? {};
  const used = { ...answer("hi"), usage: { inputTokens: 3, outputTokens: 2 } };
  await store.appendAll(id, [used, end()], { fence, position: 2 });
}

/** Makes the log one of schema 22: totals of quarters and hours only. */
async function ageLog(storage: StorageConfig): Promise<void> {
  const noDays = `DELETE FROM usage_model_totals WHERE span = ${dayMs}`;
  if (storage.driver === "postgres") {
    for (const statement of ["SELECT merge_usage()", noDays, "UPDATE mcp_platform_schema SET version = 22"])
      await query(storage.url, statement);
  }
  if (storage.driver !== "sqlite") return;
  const db = await connect(storage.path);
  for (const statement of ["DROP TRIGGER usage_models_added", noDays, "PRAGMA user_version = 22"]) db.exec(statement);
  db.close();
}

test("a log without totals of days gets them, and later turns are added to them", () =>
  inFolder(async (folder) => {
    const storage = await newStorage(folder);
    let at = 0;
    const open = () => openStore(storage, { now: () => at, observe: () => {} });
    const before = await open();
    for (const [id, time] of Object.entries({ a: 5, b: 2 * dayMs - 1, c: 3 * dayMs })) {
      at = time;
      await spends(before, id);
    }
    await before.close();
    await ageLog(storage);
    const store = await open();
    expect(await store.usage.models(threeDays)).toMatchObject([{ at: 0, requests: 2, inputTokens: 6 }]);
    at = dayMs + 7;
    await spends(store, "d");
    expect(await store.usage.models(threeDays)).toMatchObject([{ at: 0, requests: 3, inputTokens: 9 }]);
    for (const id of ["a", "b", "d"]) await store.archive.delete(id);
    expect(await store.usage.models(threeDays)).toEqual([]);
    await store.close();
  }));
