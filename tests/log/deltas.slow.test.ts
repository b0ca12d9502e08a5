import { describe, expect, test } from "@jest/globals";
import type { LiveBus } from "../../src/core/chat-store.js";
import { newId } from "../../src/core/ids.js";
import { maxSealedBytes } from "../../src/log/postgres/notice-seal.js";
import { openPostgresLog, type PostgresLog } from "../../src/log/postgres/open.js";
import { query, startPostgres } from "../support/postgres.js";
import { newDatabaseUrl, noPostgres } from "../support/storages.js";
import { startTcpProxy } from "../support/tcp-proxy.js";

const onPostgres = noPostgres ? describe.skip : describe;

class Host implements AsyncDisposable {
  readonly #log: PostgresLog;
  readonly bus: LiveBus;

  private constructor(log: PostgresLog) {
    this.#log = log;
    if (!log.store.live) throw new Error("no bus");
    this.bus = log.store.live;
  }

  static async open(url: string): Promise<Host> {
    const config = { driver: "postgres" as const, url };
    return new Host(await openPostgresLog(config, { now: Date.now, observe: () => {}, newId }));
  }

  /** Collects what arrives on the channel, from the moment when the returned promise resolves. */
  async hear(channel: string): Promise<Heard> {
    const heard = new Heard();
    await new Promise<void>((resolve) => {
      this.bus.receive(
        channel,
        (text) => heard.add(text),
        () => {
          heard.begins++;
          resolve();
        },
      );
    });
    return heard;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#log.store.close();
  }
}

class Heard {
  readonly texts: string[] = [];
  begins = 0;
  #waiting: { count: number; resolve: () => void }[] = [];

  add(text: string): void {
    this.texts.push(text);
    for (const { count, resolve } of this.#waiting) if (this.texts.length >= count) resolve();
  }

  arrived(count: number): Promise<void> {
    if (this.texts.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }
}

onPostgres("messages between hosts by PostgreSQL", () => {
  test("arrive in their order, whatever they contain, and only where their channel is listened to", async () => {
    const url = await newDatabaseUrl();
    await using one = await Host.open(url);
    await using other = await Host.open(url);
    const heard = await other.hear("live b");
    const texts = ["[]", '["\\u0000", "\\ud800"]', `"'{}\\"`, "日本語🙂".repeat(400), "x".repeat(maxSealedBytes)];
    await one.bus.send(texts.map((text) => ({ channel: "live b", text })));
    await one.bus.send([
      { channel: "live c", text: "not heard" },
      { channel: "live b", text: "x".repeat(8000) }, // longer than a notice can be, so it is lost
      { channel: "live b", text: "last" },
    ]);
    await heard.arrived(6);
    expect(heard.texts).toEqual([...texts, "last"]);
  });

  test("have a connection of their own", async () => {
    const url = await newDatabaseUrl();
    await using one = await Host.open(url);
    const heard = await one.hear("live");
    await one.bus.send([{ channel: "live", text: "hello" }]);
    await heard.arrived(1);
    const connections = await query(
      url,
      "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_notify(channel%'",
    );
    expect(connections.filter(({ query: sql }) => !String(sql).includes("pg_stat_activity"))).toHaveLength(1);
  });

  test("are lost while the server is away, without an error or a wait, and arrive again when it is back", async () => {
    await using server = await startPostgres();
    const url = await server.database();
    await using one = await Host.open(url);
    await using other = await Host.open(url);
    const heard = await other.hear("live");
    await one.bus.send([{ channel: "live", text: "before" }]);
    await heard.arrived(1);
    await server.kill();
    const startedAt = performance.now();
    await one.bus.send([{ channel: "live", text: "lost" }]);
    await one.bus.send([{ channel: "live", text: "lost" }]);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    const begun = heard.begins;
    await server.restart();
    for (let n = 0; heard.texts.length < 2; n++) {
      if (n === 10_000) throw new Error("nothing arrives");
      await one.bus.send([{ channel: "live", text: `again ${n}` }]);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(heard.texts.slice(0, 2)).toEqual(["before", expect.stringMatching(/^again/)]);
    expect(heard.begins).toBeGreaterThan(begun);
  });

  test("are given up after some seconds on a connection that answers nothing", async () => {
    const url = await newDatabaseUrl();
    await using proxy = await startTcpProxy(Number(new URL(url).port));
    const behind = new URL(url);
    behind.port = String(proxy.port);
    await using one = await Host.open(behind.href);
    await one.bus.send([{ channel: "live", text: "before" }]);
    proxy.freeze();
    const startedAt = performance.now();
    await one.bus.send([{ channel: "live", text: "lost" }]);
    expect(performance.now() - startedAt).toBeLessThan(12_000);
    proxy.thaw();
  });
});
