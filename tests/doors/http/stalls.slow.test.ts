import { fork } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
// @ts-expect-error: plain JavaScript
import * as logMaker from "../../../scripts/bench/growth/log-maker.mjs";
import { openStore } from "../../../src/log/open.js";
import { connect } from "../../../src/log/sqlite/connection.js";
import { configFor, Workplace } from "../../support/cli.js";
import { answer, type LlmServer, startLlmServer } from "../../support/llm-server.js";

const fillFile = logMaker.fillFile as (path: string, log: object, open: typeof connect) => Promise<void>;

const mostMs = 50;
/** The first call of its kind also loads code, and a collection of memory may fall into any call. A stall of the log is in every try. */
const tries = 4;
/** A log of so many conversations was read within 400 ms, when lists and reports still read it as a whole in the main thread. */
const log = { conversations: 20_000, events: 6, periodMs: 12 * 60 * 60 * 1_000 };

const place = new Workplace();
let llm: LlmServer;
let host: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  llm = await startLlmServer(() => answer("It is done."));
  const path = join(place.folder, "log.db");
  await (await openStore({ driver: "sqlite", path }, { now: Date.now, observe: () => {} })).close();
  await fillFile(path, log, connect);
  host = await serve(path);
});

afterAll(async () => {
  host.child.kill();
  await once(host.child, "exit");
  await llm[Symbol.asyncDispose]();
  place[Symbol.dispose]();
});

/** Starts `serve` with a limit of the day, and with a module that answers messages with the longest stall since the last message. */
async function serve(path: string) {
  const chat = { storage: { path }, limits: { day: { tokens: 1e12 } } };
  place.configure(configFor(llm.url, {}, { chat, serve: { requests_per_minute: 1_000_000 } }));
  const child = fork(resolve("dist/main.js"), ["serve", "--port", "0", "--no-token"], {
    cwd: place.folder,
    env: place.environment as NodeJS.ProcessEnv,
    execArgv: ["--import", resolve("scripts/bench/growth/stall-probe.mjs")],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let said = "";
  while (!said.includes("listening on")) said += (await once(child.stderr as NodeJS.ReadableStream, "data"))[0];
  child.stderr?.resume();
  const stallMs = async () => {
    child.send("stall");
    return (await once(child, "message"))[0] as number;
  };
  return { child, url: /listening on (\S+)/.exec(said)?.[1] as string, stallMs };
}

let calls = 0;
const chat = { model: "m1", messages: [{ role: "user", content: "hello" }] };

test.each<[string, () => { method?: string; path: string; body?: object; headers?: Record<string, string> }]>([
  ["the latest conversations", () => ({ path: "/api/sessions?limit=50" })],
  ["a long page", () => ({ path: "/api/sessions?limit=1000" })],
  ["a search that finds many", () => ({ path: "/api/sessions?q=weather" })],
  ["a search that finds one", () => ({ path: "/api/sessions?q=number+777+of" })],
  ["a search in vain", () => ({ path: "/api/sessions?q=nowhere" })],
  ["a search for two letters", () => ({ path: "/api/sessions?q=zz" })],
  ...["day", "model", "conversation", "tool", "server"].map((by): [string, () => { path: string }] => [
    `usage by ${by}`,
    () => ({ path: `/api/usage?since=365d&by=${by}` }),
  ]),
  ["a conversation", () => ({ path: "/api/sessions/conv_7" })],
  ["a part of one", () => ({ path: "/api/sessions/conv_7?limit=3" })],
  ["an export", () => ({ path: "/api/sessions/conv_7/export?format=md" })],
  ["a copy", () => ({ method: "POST", path: "/api/sessions/conv_7/fork", body: {} })],
  ["a deletion", () => ({ method: "DELETE", path: `/api/sessions/conv_${100 + calls++}` })],
  ["a turn of a call", () => ({ method: "POST", path: "/v1/chat/completions", body: chat })],
  [
    "a turn of a conversation",
    () => ({
      method: "POST",
      path: "/v1/chat/completions",
      body: chat,
      headers: { "x-conversation-id": `conv_${1_000 + calls++}` },
    }),
  ],
  ["servers", () => ({ path: "/api/servers" })],
  ["tools", () => ({ path: "/api/tools" })],
  ["readiness", () => ({ path: "/readyz" })],
  ["metrics", () => ({ path: "/metrics" })],
])("the event loop does not stall in a large log for %s", async (_, call) => {
  const stalls: number[] = [];
  while (stalls.length < tries && !(Math.min(...stalls) < mostMs)) {
    const { method = "GET", path, body, headers } = call();
    await host.stallMs();
    const response = await fetch(`${host.url}${path}`, {
      method,
      headers: { ...(body && { "content-type": "application/json" }), ...headers },
      body: body && JSON.stringify(body),
    });
    await response.arrayBuffer();
    expect([path, response.ok]).toEqual([path, true]);
    stalls.push(await host.stallMs());
  }
  expect(Math.min(...stalls)).toBeLessThan(mostMs);
});
