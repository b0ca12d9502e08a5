import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { schemaVersion } from "../../src/log/shared/schema-version.js";
import { Workplace } from "../support/cli.js";
import { query } from "../support/postgres.js";
import { newDatabaseUrl, noPostgres } from "../support/storages.js";

describe("mcp-platform migrate", () => {
  test("brings a file to this version's schema, and prints the version", async () => {
    using place = new Workplace();
    place.configure({ chat: { storage: { path: "log.db" } } });
    const line = `${join(place.folder, "log.db")}: schema ${schemaVersion}\n`;
    for (const _ of ["made", "already there"]) {
      expect(await place.run(["migrate"])).toEqual({ exitCode: 0, stdout: line, stderr: "" });
    }
  });

  (noPostgres ? test.skip : test)("brings a database to it, named without its password", async () => {
    using place = new Workplace();
    const url = new URL(await newDatabaseUrl());
    url.password = "hidden";
    place.configure({ chat: { storage: { url: url.href } } });
    const line = `postgres://${url.host}${url.pathname}: schema ${schemaVersion}\n`;
    for (const _ of ["made", "already there"]) {
      const migrated = await place.run(["migrate"]);
      expect(migrated).toMatchObject({ exitCode: 0, stdout: line });
      expect(migrated.stderr).toMatch(/^\{"level":"warn".*every role of its server may connect/);
      expect(migrated.stderr).not.toContain("hidden");
    }
    expect(await query(url.href, "SELECT version FROM mcp_platform_version")).toEqual([{ version: schemaVersion }]);
  });

  test("names a database that is away and what to do, without its password", async () => {
    using place = new Workplace();
    place.configure({ chat: { storage: { url: "postgres://me:hidden@127.0.0.1:1/chats" } } });
    expect(await place.run(["migrate"])).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: [
        "error: cannot open the event log postgres://127.0.0.1:1/chats: connect ECONNREFUSED 127.0.0.1:1",
        "hint: make sure that PostgreSQL runs there and can be reached from here, or set chat.storage.url",
        "",
      ].join("\n"),
    });
  });
});
