import { spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { defaultLeaseMs } from "../../../src/core/turn-leases.js";
import { openStore } from "../../../src/log/open.js";
import { connect } from "../../../src/log/sqlite/connection.js";
import { configFor, Workplace } from "../../support/cli.js";
import { chunk, startLlmServer, stream } from "../../support/llm-server.js";

/**
 * Makes a log with a turn of so many calls that a view of the usage by tool takes about `viewMs`: for the result of each call, the view
 * searches all calls of the turn. The turn belongs to another workspace, so the hosts of this test leave it alone.
 */
async function fill(path: string, viewMs: number): Promise<void> {
  const store = await openStore({ driver: "sqlite", path }, { now: Date.now, observe: () => {} });
  const db = await connect(path);
  const add = (conversation: number, calls: number) => {
    const entries = (
      type: string,
      before: number,
      payload: string,
    ) => `INSERT INTO entries (id, turn_id, type, payload, at, position)
      WITH RECURSIVE numbers(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < ${calls})
      SELECT ${conversation} << 32 | ${before} + n, 'turn', '${type}', ${payload}, ${Date.now()}, ${before} + n FROM numbers`;
    db.exec(`BEGIN;
      INSERT INTO conversations (number, conversation_id, touched, updated_at, title, title_lower, workspace, turns)
        VALUES (${conversation}, 'long_${conversation}', ${conversation}, 1, 'go', 'go', '/elsewhere', 1);
      INSERT INTO turns (conversation_id, conversation_number, turn_id, request_id, state, place, workspace, options)
        VALUES ('long_${conversation}', ${conversation}, 'turn', 'r', 'running', 1, '/elsewhere', '{}');
      ${entries("tool_sent", 0, `json_object('callId', 'call_' || n)`)};
      ${entries("tool_result", calls, `json_object('callId', 'call_' || n, 'name', 's__echo')`)};
      COMMIT`);
  };
  const tried = 2_000;
  add(1, tried);
  const startedAt = performance.now();
  await store.usage.tools([{ since: 0, until: Number.MAX_SAFE_INTEGER }]);
  add(2, Math.ceil(tried * Math.sqrt(viewMs / (performance.now() - startedAt))));
  db.close();
  await store.close();
}

/** Starts `serve` with the configuration of the place. */
async function serve(place: Workplace) {
  const child = spawn(process.execPath, [resolve("dist/main.js"), "serve", "--port", "0", "--no-token"], {
    cwd: place.folder,
    env: place.environment,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  while (!said.includes("listening on")) said += (await once(child.stderr, "data"))[0];
  child.stderr.resume();
  return {
    url: /listening on (\S+)/.exec(said)?.[1] as string,
    startedAt: performance.now(),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

test("a turn keeps its host while a view of usage takes longer than the lease: the model is asked once", async () => {
  using place = new Workplace();
  const path = join(place.folder, "log.db");
  await fill(path, 1.6 * defaultLeaseMs);
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const pieces = [
    chunk({ content: "It is" }),
    () => finished,
    chunk({ content: " done." }, "stop"),
    "data: [DONE]\n\n",
  ];
  await using llm = await startLlmServer(() => stream(pieces));
  place.configure(configFor(llm.url, {}, { chat: { storage: { path } } }));
  await using other = await serve(place);
  await using host = await serve(place);
  // A host that has just started takes no turns from silent hosts yet.
  await sleep(1.2 * defaultLeaseMs - (performance.now() - other.startedAt));
  const response = await fetch(`${host.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-conversation-id": "c1" },
    body: JSON.stringify({ model: "m1", stream: true, messages: [{ role: "user", content: "go" }] }),
  });
  const text = response.text();
  await llm.received(1);
  const view = await fetch(`${host.url}/api/usage?since=30d&by=tool`);
  expect(view.status).toBe(200);
  finish();
  expect(await text).toMatch(/It is.* done\..*data: \[DONE\]\n\n$/s);
  expect(llm.requests).toHaveLength(1);
});
