/** Counters of usage on PostgreSQL, where its triggers keep them. */
import { describe, expect, test } from "@jest/globals";
import type { ChatStore } from "../../../src/core/chat-store.js";
import { openStore } from "../../../src/log/open.js";
import { query } from "../../support/postgres.js";
import { newDatabaseUrl, noPostgres } from "../../support/storages.js";
import { request, turn } from "../support.js";

const onPostgres = noPostgres ? describe.skip : describe;

const parts = { now: () => 1_000, observe: () => {} };
const always = [{ since: 0, until: 900_000 }];

/** Runs a turn with two events in its own conversation, which therefore takes three ids of the table `events`. */
async function answered(store: ChatStore, id: string, model = "demo-1"): Promise<void> {
  const { user, answer, end } = turn(id);
  await store.claim(id, user("hello"), request("n"));
  const { fence = 0 } = (await store.turns.acquire(id, id, "n")) ?? {};
  await store.appendAll(id, [{ ...answer("hi"), model }, end()], { fence, position: 2 });
}

onPostgres("the counters of usage on PostgreSQL", () => {
  test("changes are merged into the totals whatever ids the events have", async () => {
    const url = await newDatabaseUrl();
    const store = await openStore({ driver: "postgres", url }, parts);
    await query(url, "ALTER SEQUENCE events_id_seq INCREMENT BY 64");
    for (let count = 0; count < 70; count++) await answered(store, `c${count}`);
    const [row] = await query(url, "SELECT count(*)::integer AS changes FROM usage_model_changes");
    expect(row?.changes).toBeLessThan(64);
    expect(await store.usage.models(always)).toMatchObject([{ requests: 70 }]);
    await store.close();
  });

  test("a model with a name of any length is counted, and keeps no turn from its end", async () => {
    const url = await newDatabaseUrl();
    const store = await openStore({ driver: "postgres", url }, parts);
    // Different letters, because PostgreSQL would compress a repetition.
    const name = Array.from({ length: 4_000 }, (_, at) => String.fromCodePoint(0x4e00 + at)).join("");
    for (let count = 0; count < 70; count++) await answered(store, `c${count}`, count === 0 ? name : "demo-1");
    const used = (await store.usage.models(always)).map(({ model, requests }) => [model.length, requests]);
    expect(used.sort()).toEqual([
      [200, 1],
      ["demo-1".length, 69],
    ]);
    await store.close();
  });

  test("a connection plans the statements that count once, and not at every end of a turn", async () => {
    const url = await newDatabaseUrl();
    const store = await openStore({ driver: "postgres", url }, parts);
    const planned = await query(
      url,
      "SELECT proname FROM pg_proc WHERE 'plan_cache_mode=force_generic_plan' = ANY (proconfig) ORDER BY proname",
    );
    expect(planned.map(({ proname }) => proname)).toEqual(["count_usage", "keep_conversation"]);
    await store.close();
  });
});
