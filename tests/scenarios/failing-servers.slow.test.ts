import { expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import type { App } from "../../src/index.js";
import { collect, fixtureServer, startApp } from "../support/app.js";
import { answer, type LlmServer, type Step, startLlmServer, toolCalls } from "../support/llm-server.js";
import { httpServer } from "../support/mcp-http.js";
import { until } from "../support/mcp-hub.js";

const call = (name: string): Step => toolCalls([{ name: `s__${name}`, arguments: { said: name } }]);

/** Returns a step of the model that waits until the server is ready again. */
function whenReady(app: () => App, step: Step): Step {
  return (response, request) => {
    void until(() => app().hub.servers()[0]?.state === "ready").then(() => step(response, request));
  };
}

/** Runs one turn. Returns its events about tools and the server. */
async function turnOf(mcpServer: object, script: (app: () => App) => Step[]) {
  let app: App | undefined;
  await using llm: LlmServer = await startLlmServer(script(() => app as App));
  await using running = await startApp({ llm: llm.url, mcpServers: { s: { startup_grace: "20s", ...mcpServer } } });
  app = running;
  await running.ready();
  const startedAt = performance.now();
  const events = await collect(running.sessions.open("c").prompt({ requestId: "r", text: "go" }));
  return {
    tookMs: performance.now() - startedAt,
    last: events.at(-1),
    results: events.flatMap((event) =>
      event.type === "tool_result" ? [`${event.isError ? "error" : "ok"}: ${textOf(event.content)}`] : [],
    ),
    states: events.flatMap((event) => (event.type === "server_status" ? [`${event.state} ${event.reason ?? ""}`] : [])),
  };
}

test("a stdio server that crashes in a call costs that call, and serves the same turn again", async () => {
  const { results, states, last, tookMs } = await turnOf(fixtureServer(), (app) => [
    call("crash"),
    whenReady(app, call("echo")),
    answer("done"),
  ]);
  expect(results).toEqual([
    expect.stringMatching(/^error: crash did not answer and its outcome is unknown: .* exited with code 7/),
    'ok: {"said":"echo"}',
  ]);
  expect(states).toEqual([
    "starting the connection was lost: the server exited with code 7; it is being restarted",
    "ready ",
  ]);
  expect(last).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  expect(tookMs).toBeLessThan(10_000);
});

test("a stdio server that hangs costs a call its timeout, is found out, and serves the same turn again", async () => {
  const server = fixtureServer({}, { timeout: 400, ping_interval: 150 });
  const { results, states, last } = await turnOf(server, (app) => [
    call("freeze"),
    call("echo"),
    (response, request) => {
      const found = () => app().hub.servers()[0]?.state === "starting";
      void until(found).then(() => whenReady(app, call("echo"))(response, request));
    },
    answer("done"),
  ]);
  expect(results).toEqual([
    "ok: from now on silent",
    "error: echo did not answer and its outcome is unknown: no answer and no progress within 400 ms",
    'ok: {"said":"echo"}',
  ]);
  expect(states).toEqual(["starting the connection was lost: it no longer answers; it is being restarted", "ready "]);
  expect(last).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
});

test("a Streamable HTTP server that crashes in a call costs that call, and serves the same turn again", async () => {
  await using server = await httpServer({ unanswered: { crash: () => void server.crash() } });
  const { results, states, last, tookMs } = await turnOf({ type: "http", url: server.url }, (app) => [
    call("crash"),
    whenReady(app, call("echo")),
    answer("done"),
  ]);
  expect(results).toEqual([
    expect.stringMatching(/^error: crash did not answer and its outcome is unknown/),
    'ok: {"said":"echo"}',
  ]);
  expect(states).toEqual([expect.stringMatching(/^starting the connection was lost/), "ready "]);
  expect(last).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  expect(tookMs).toBeLessThan(10_000);
});

test("a Streamable HTTP server that hangs costs a call its timeout, is found out, and serves the same turn again", async () => {
  let isHung = false;
  await using server = await httpServer({ unanswered: { freeze: () => (isHung = true) }, isHung: () => isHung });
  const settings = { type: "http", url: server.url, timeout: 400, ping_interval: 150, startup_timeout: 500 };
  const { results, states, last } = await turnOf(settings, (app) => [
    call("freeze"),
    (response, request) => {
      void until(() => app().hub.servers()[0]?.state !== "ready").then(() => {
        isHung = false;
        whenReady(app, call("echo"))(response, request);
      });
    },
    answer("done"),
  ]);
  expect(results).toEqual([
    "error: freeze did not answer and its outcome is unknown: no answer and no progress within 400 ms",
    'ok: {"said":"echo"}',
  ]);
  expect(states[0]).toMatch(/^starting the connection was lost: it no longer answers/);
  expect(states.at(-1)).toBe("ready ");
  expect(last).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
});
