/** Counters of usage on PostgreSQL, where its triggers keep them. */
import { EventEmitter, once } from "node:events";
import { describe, expect, test } from "@jest/globals";
import type { ChatStore } from "../../../src/core/chat-store.js";
import type { Observation } from "../../../src/core/ports.js";
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

  test("a database whose changes have a long name is repaired when it is migrated", async () => {
    const url = await newDatabaseUrl();
    const store = await openStore({ driver: "postgres", url }, parts);
    await answered(store, "c");
    await store.close();
    for (const table of ["usage_models", "usage_model_changes"]) {
      await query(
        url,
        `UPDATE ${table} SET model = (SELECT string_agg(chr(20000 + at), '') FROM generate_series(1, 4000) AS at)`,
      );
    }
    await expect(query(url, "SELECT merge_usage()")).rejects.toThrow("index row");
    await query(url, "ALTER TABLE history_messages DROP CONSTRAINT history_messages_kept");
    await query(
      url,
      `DROP FUNCTION add_spent CASCADE; DROP TABLE spent_totals, checkpoints;
        UPDATE mcp_platform_schema SET version = 13`,
    );
    const migrated = await openStore({ driver: "postgres", url }, parts);
    await query(url, "SELECT merge_usage()");
    while (await migrated.usage.countOlder());
    expect(await migrated.usage.models(always)).toMatchObject([{ requests: 1 }]);
    expect(await migrated.archive.delete("c")).toBe(true);
    expect(await migrated.usage.models(always)).toEqual([]);
    await migrated.close();
  });
});

onPostgres("the totals of what was spent on PostgreSQL", () => {
  test("have what the hosts of an earlier version spent in the last minutes and in the hours before", async () => {
    const url = await newDatabaseUrl();
    let now = Date.now() - 3_600_000;
    const clock = { now: () => now, observe: () => {} };
    const store = await openStore({ driver: "postgres", url }, clock);
    const { user, answer, end } = turn("turn_1");
    await store.claim("c", user("hello"), request("n"));
    const { fence = 0 } = (await store.turns.acquire("c", "turn_1", "n")) ?? {};
    await store.appendAll("c", [{ ...answer("hi"), spent: { tokens: 5, usd: 0.25 } }], { fence, position: 2 });
    now = Date.now();
    await store.appendAll("c", [{ ...answer("hi"), spent: { tokens: 7 } }], { fence, position: 3 });
    const spent = { tokens: 12, usd: 0.25, unpriced: 1, estimated: 0 };
    expect(await store.spent({ since: 0, until: Number.MAX_SAFE_INTEGER })).toEqual(spent);
    await store.appendAll("c", [end()], { fence, position: 4 });
    await store.close();
    await query(url, "DROP FUNCTION add_spent CASCADE; DROP TABLE spent_totals");
    await query(url, "UPDATE mcp_platform_schema SET version = 17");
    const migrated = await openStore({ driver: "postgres", url }, clock);
    expect(await migrated.spent({ since: 0, until: Number.MAX_SAFE_INTEGER })).toEqual(spent);
    await migrated.close();
  });
});

onPostgres("the conversations of an earlier version on PostgreSQL", () => {
  const many = 12;

  /** Makes the function that reads an event so slow that all conversations together take longer than a statement may. */
  async function slowed(url: string, name: "usage_facts" | "searched_text"): Promise<string> {
    const [row] = await query(url, `SELECT pg_get_functiondef('${name}'::regproc) AS definition`);
    const slow = String(row?.definition).replace("RETURN ", "PERFORM pg_sleep(0.3); RETURN ");
    await query(url, slow.replace("IMMUTABLE", "VOLATILE"));
    return url;
  }

  test("are counted in parts, none of which takes long", async () => {
    const url = await newDatabaseUrl();
    const store = await openStore({ driver: "postgres", url, statementTimeoutMs: 2_000 }, parts);
    for (let count = 0; count < many; count++) await answered(store, `c${count}`);
    await slowed(url, "usage_facts");
    await store.usage.reset();
    while (await store.usage.countOlder());
    expect(await store.usage.models(always)).toMatchObject([{ requests: many }]);
    await store.close();
  });

  test("are added to the index for searches in parts, none of which takes long", async () => {
    const url = await newDatabaseUrl();
    const store = await openStore({ driver: "postgres", url }, parts);
    for (let count = 0; count < many; count++) await answered(store, `c${count}`);
    await store.close();
    await query(url, "DELETE FROM searched");
    await query(url, `INSERT INTO search_fill VALUES ('', 0, ${many})`);
    await slowed(url, "searched_text");
    const filling = new EventEmitter();
    const isOver = once(filling, "over");
    const observe = ({ level, message }: Observation) => {
      if (level === "warn" || message.includes("all conversations")) filling.emit("over", message);
    };
    const again = await openStore({ driver: "postgres", url, statementTimeoutMs: 2_000 }, { ...parts, observe });
    expect(await isOver).toEqual(["searches find all conversations by their messages"]);
    expect((await again.conversations({ most: 100, text: "hello" })).conversations).toHaveLength(many);
    await again.close();
  });
});

onPostgres("the histories of calls on PostgreSQL", () => {
  test("a host of an earlier version cannot delete an event that has a message of other calls", async () => {
    const url = await newDatabaseUrl();
    const store = await openStore({ driver: "postgres", url }, parts);
    const said = { role: "user" as const, content: turn("single_1").user("hello").content };
    await answered(store, "single_1");
    const history = [said, turn("single_1").answer("hi").message];
    await store.claim("single_2", { ...turn("single_2").user("more"), history }, request("n"));
    // What an earlier version sends, which does not know the table of messages.
    const deletion = query(url, "DELETE FROM events WHERE conversation_id = 'single_1'");
    await expect(deletion).rejects.toThrow("history_messages_kept");
    expect((await store.read("single_2"))[0]).toMatchObject({ history });
    expect(await store.archive.delete("single_1")).toBe(true);
    expect((await store.read("single_2"))[0]).toMatchObject({ history });
    await store.close();
  });
});
