import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { loadConfig } from "../../src/config/reading/load.js";
import type { App } from "../../src/index.js";
import { collect, fixtureServer, startApp } from "../support/app.js";
import { answer, type LlmRequest, startLlmServer, toolCalls } from "../support/llm-server.js";
import { until } from "../support/mcp-hub.js";

/** Applies another configuration to a running host, in this process. */

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "apply-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const systemOf = ({ body }: LlmRequest) => body.messages?.find(({ role }) => role === "system")?.content;
const say = (app: App, requestId: string, conversationId = requestId) =>
  collect(app.sessions.open(conversationId).prompt({ requestId, text: "go" }));

interface Wanted {
  url: string;
  model?: string;
  system?: string;
  http?: object;
  provider?: object;
  storage?: object;
}

function configOf({ url, model = "m1", system = "old", http = {}, provider = {}, storage = {} }: Wanted) {
  const file = {
    llm: {
      active: "test",
      http: { initial_retry_delay: 0.001, ...http },
      providers: { test: { base_url: url, model, api_key: "sk-test-0123456789", ...provider } },
    },
    mcpServers: { s: fixtureServer() },
    chat: { service: { approval: "auto", system_prompt: system }, storage: { driver: "memory", ...storage } },
  };
  return loadConfig(file, { env: {} }).config;
}

describe("a changed configuration", () => {
  test("applies from the next turn: a running one keeps its provider, model, prompt and limits to its end", async () => {
    const path = join(folder, "go");
    await using before = await startLlmServer([
      toolCalls([{ name: "s__wait", arguments: { path } }]),
      answer("as before"),
    ]);
    await using after = await startLlmServer([answer("as after")]);
    await using app = await startApp({ llm: before.url });
    await app.apply(configOf({ url: before.url }));
    const running = say(app, "r1");
    await until(() => before.requests.length === 1);
    await app.apply(configOf({ url: after.url, model: "m2", system: "new" }));
    expect((await say(app, "r2")).at(-1)).toMatchObject({ type: "turn_end" });
    writeFileSync(path, "");
    expect((await running).at(-2)).toMatchObject({ message: { content: "as before" }, model: "m1" });
    expect(before.requests.map(({ body }) => body.model)).toEqual(["m1", "m1"]);
    expect(before.requests.map((request) => String(systemOf(request)).slice(0, 3))).toEqual(["old", "old"]);
    expect(after.requests.map(({ body }) => body.model)).toEqual(["m2"]);
    expect(String(systemOf(after.requests[0] as LlmRequest))).toContain("new");
  });

  test("does not reset a provider's limit: turns before and after count together", async () => {
    let running = 0;
    let most = 0;
    const release: (() => void)[] = [];
    await using llm = await startLlmServer(() => (...parts) => {
      most = Math.max(most, ++running);
      release.push(() => {
        running--;
        answer("hi")(...parts);
      });
    });
    const provider = { max_concurrency: 1 };
    await using app = await startApp({ llm: llm.url });
    await app.apply(configOf({ url: llm.url, provider }));
    const first = say(app, "r1");
    await until(() => release.length === 1);
    await app.apply(configOf({ url: llm.url, provider, system: "new", model: "m2" }));
    const second = say(app, "r2");
    release.shift()?.();
    await first;
    await until(() => release.length === 1);
    release.shift()?.();
    expect((await second).at(-1)).toMatchObject({ type: "turn_end" });
    expect(most).toBe(1);
  });

  test("closes connections that would be made in another way now", async () => {
    const path = join(folder, "go");
    await using llm = await startLlmServer([
      toolCalls([{ name: "s__wait", arguments: { path } }]),
      answer("new way"),
      answer("old way"),
    ]);
    await using app = await startApp({ llm: llm.url });
    await app.apply(configOf({ url: llm.url }));
    const running = say(app, "r1");
    await until(() => llm.requests.length === 1);
    await app.apply(configOf({ url: llm.url, http: { max_connections: 7 } }));
    await until(() => llm.openSockets === 0);
    await say(app, "r2");
    expect(llm.openSockets).toBe(1);
    writeFileSync(path, "");
    expect((await running).at(-2)).toMatchObject({ message: { content: "old way" } });
    await until(() => llm.openSockets === 1);
  });

  test("decides from then on how many conversations stay", async () => {
    await using llm = await startLlmServer(() => answer("hi"));
    await using app = await startApp({ llm: llm.url });
    app.sessions.startUpkeep();
    for (const id of ["a", "b", "c"]) await say(app, id);
    for (const id of ["a", "b", "c"]) await app.sessions.forget(app.sessions.open(id));
    await app.apply(configOf({ url: llm.url, storage: { max_conversations: 1 } }));
    let left: string[] = [];
    await until(() => {
      void app.sessions.list({ most: 100 }).then(({ conversations: all }) => {
        left = all.map(({ conversationId }) => conversationId);
      });
      return left.length === 1;
    });
    expect(left).toEqual(["c"]);
  });
});
