import { inspect } from "node:util";
import { expect, test } from "@jest/globals";
import { openDbosPool } from "../../src/cluster/dbos/dbos-pool.js";
import { startTcpProxy } from "../support/tcp-proxy.js";

test("an error of DBOS's pool has no code and no text that makes DBOS retry the call without end", async () => {
  await using proxy = await startTcpProxy(1);
  proxy.refuse();
  const pool = openDbosPool({ driver: "postgres", url: `postgres://me:secret@127.0.0.1:${proxy.port}/log` }, 2);
  for (const call of [() => pool.query("SELECT 1"), () => pool.connect()]) {
    const error = await call().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: `cannot reach postgres://127.0.0.1:${proxy.port}/log`, retryable: true });
    expect(inspect(error, { showHidden: true })).not.toMatch(/ECONN|terminated|closed|timeout|secret/);
  }
  await pool.end();
});
