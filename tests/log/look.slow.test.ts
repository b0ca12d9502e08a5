import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { lookAtLog } from "../../src/log/look.js";
import { openStore } from "../../src/log/open.js";
import { schemaVersion } from "../../src/log/shared/schema-version.js";
import { connect } from "../../src/log/sqlite/connection.js";
import { noServer, type PostgresServer, query, startPostgres } from "../support/postgres.js";
import { asOrdinaryUser, inFolder } from "./support.js";

const folder = mkdtempSync(join(tmpdir(), "mcp-platform-"));
afterAll(() => rmSync(folder, { recursive: true }));
const parts = { now: Date.now, observe: () => {} };

describe("a look at an event log migrates nothing", () => {
  test("if it does not exist, and creates no file", async () => {
    const path = join(folder, "none", "below", "log.db");
    expect(await lookAtLog({ driver: "sqlite", path }, parts)).toEqual({
      location: path,
      schema: 0,
      knownSchema: schemaVersion,
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("but refuses one of an unreleased build", async () => {
    const path = join(folder, "unreleased.db");
    const db = await connect(path);
    db.exec("CREATE TABLE events (a); PRAGMA application_id = 0x4d435050; PRAGMA user_version = 1");
    db.close();
    await expect(lookAtLog({ driver: "sqlite", path }, parts)).rejects.toMatchObject({
      message: expect.stringContaining("unreleased build"),
    });
  });

  test("with the current schema", async () => {
    const path = join(folder, "now.db");
    await (await openStore({ driver: "sqlite", path }, parts)).close();
    expect(await lookAtLog({ driver: "sqlite", path }, parts)).toMatchObject({ schema: schemaVersion });
    expect(existsSync(path)).toBe(true);
  });
});

test("a log file that a host cannot write is an error", () =>
  inFolder(async (place) => {
    const path = join(place, "log.db");
    const host = await openStore({ driver: "sqlite", path }, parts);
    const files = readdirSync(place).map((name) => join(place, name)); // with those of the host that runs, without which opening would fail
    expect(files.length).toBeGreaterThan(1);
    chmodSync(place, 0o555);
    for (const file of files) chmodSync(file, 0o444);
    await asOrdinaryUser(async () => {
      await expect(lookAtLog({ driver: "sqlite", path }, parts)).rejects.toMatchObject({
        kind: "write",
        hint: expect.stringContaining("can be written"),
      });
    });
    chmodSync(place, 0o700);
    expect(await host.turns.nodes()).toEqual([]);
    await host.close();
  }));

(noServer ? describe.skip : describe)("a look at a database", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => server?.[Symbol.asyncDispose]());

  test("makes no tables, and sees those that are there", async () => {
    const url = await server.database();
    const storage = { driver: "postgres" as const, url };
    expect(await lookAtLog(storage, parts)).toMatchObject({ schema: 0, location: expect.not.stringContaining("@") });
    expect(await query(url, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
    await (await openStore(storage, parts)).close();
    expect(await lookAtLog(storage, parts)).toMatchObject({ schema: schemaVersion });
    expect(await query(url, "SELECT 1 FROM nodes")).toEqual([]);
  });

  test("without write access is an error that says so", async () => {
    const url = await server.database();
    const storage = { driver: "postgres" as const, url };
    await (await openStore(storage, parts)).close();
    await query(url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET default_transaction_read_only = on`);
    await expect(lookAtLog(storage, parts)).rejects.toMatchObject({
      kind: "write",
      hint: expect.stringContaining("it accepts no writes"),
    });
  });
});
