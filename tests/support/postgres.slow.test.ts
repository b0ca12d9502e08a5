import { describe, expect, test } from "@jest/globals";
import pg from "pg";
import { noServer, query, startPostgres } from "./postgres.js";
import { startTcpProxy } from "./tcp-proxy.js";

const onServer = noServer === undefined ? describe : describe.skip;

onServer("the PostgreSQL of the tests", () => {
  test("gives each test a database of its own, and comes back with its data after kill -9", async () => {
    await using server = await startPostgres();
    const [one, two] = [await server.database(), await server.database()];
    await query(one, "CREATE TABLE things AS SELECT 42 AS number");
    await expect(query(two, "SELECT * FROM things")).rejects.toThrow("does not exist");
    await server.kill();
    await expect(query(one, "SELECT 1")).rejects.toThrow("ECONNREFUSED");
    await server.restart();
    expect(await query(one, "SELECT * FROM things")).toEqual([{ number: 42 }]);
  });

  test("is reached by way of a proxy that resets, refuses and holds connections", async () => {
    await using server = await startPostgres();
    await using proxy = await startTcpProxy(server.port);
    const url = (await server.database()).replace(`:${server.port}/`, `:${proxy.port}/`);
    const client = new pg.Client({ connectionString: url });
    const lost = new Promise((resolve) => client.on("error", resolve));
    await client.connect();
    proxy.reset();
    expect(String(await lost)).toMatch(/ECONNRESET|terminated unexpectedly/);
    proxy.refuse();
    await expect(query(url, "SELECT 1")).rejects.toThrow(/ECONNRESET|terminated unexpectedly/);
    proxy.accept();
    proxy.freeze();
    const held = query(url, "SELECT 1 AS number");
    expect(await Promise.race([held, query(await server.database(), "SELECT 2")])).toEqual([{ "?column?": 2 }]);
    proxy.thaw();
    expect(await held).toEqual([{ number: 1 }]);
  });
});
