import { describe, expect, test } from "@jest/globals";
import { newId } from "../../../src/core/ids.js";
import { limitsChannel } from "../../../src/history/postgres/limit-functions.js";
import { logChannel } from "../../../src/history/postgres/notices.js";
import { openPostgresLog } from "../../../src/history/postgres/open.js";
import { LiveExchange } from "../../../src/session/live/exchange.js";
import { query } from "../../support/postgres.js";
import { newDatabaseUrl, noPostgres } from "../../support/storages.js";

const onPostgres = noPostgres ? describe.skip : describe;

/** An object that is no text: JSON may say of itself how it is to become one. */
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

onPostgres("what anybody on the database may notify", () => {
  test("ends no host, and what comes after it is heard", async () => {
    const url = await newDatabaseUrl();
    const log = await openPostgresLog({ driver: "postgres", url }, { now: Date.now, observe: () => {}, newId });
    const { live: bus } = log.store;
    const node = { nodeId: "n", machine: "m", pid: 1, version: "1" };
    const limits = log.store.limits?.(node, { leaseMs: 10_000, observe: () => {} });
    if (!bus || !limits) throw new Error("nothing to hear by");
    const exchange = new LiveExchange({ bus, nodeId: "n", machine: "m", now: Date.now });
    const { leave } = exchange.follow("c", () => {});
    const notify = (channel: string, payload: string) => query(url, `SELECT pg_notify('${channel}', '${payload}')`);
    let heard = (_text: string) => {};
    const last = new Promise<string>((resolve) => {
      heard = resolve;
    });
    await new Promise<void>((begun) => bus.receive("last", heard, begun));
    for (const channel of [limitsChannel, logChannel, "mcp_platform_live", "mcp_platform_live n"]) {
      for (const text of nonsense) await notify(channel, text);
    }
    for (const each of frames) await notify("mcp_platform_live n", JSON.stringify(each));
    await notify("mcp_platform_last", "heard");
    expect(await last).toBe("heard");
    leave();
    exchange.close();
    await limits.close();
    await log.store.close();
  });
});
