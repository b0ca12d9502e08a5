import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.js";
import type { UsageCounters } from "../../src/core/usage-store.js";
import { openStore } from "../../src/log/open.js";
import { OlderUsage } from "../../src/session/conversations/older-usage.js";
import { Sessions } from "../../src/session/sessions.js";
import { collect, startApp } from "../support/app.js";
import { joining } from "../support/cluster.js";
import { answer, startLlmServer } from "../support/llm-server.js";
import { temporaryFolder, until } from "../support/mcp-hub.js";
import { Signal } from "../support/signal.js";

test("the upkeep of a host counts the usage of conversations that an earlier version wrote", async () => {
  await using llm = await startLlmServer([answer("hi")]);
  await using app = await startApp({ llm: llm.url });
  using folder = temporaryFolder();
  const storage = { driver: "sqlite", path: join(folder.path, "log.db"), durability: "normal" } as const;
  const store = await openStore(storage, { now: Date.now, observe: () => {} });
  const said: string[] = [];
  const sessions = new Sessions({
    store,
    join: joining(store),
    observe: ({ message }) => said.push(message),
    hub: app.hub,
    settings: () => ({ orchestrator: app.orchestrator, defaults: app.config.chat.service, [Symbol.dispose]() {} }),
    newId,
    project: "p",
    now: Date.now,
  });
  await collect(sessions.open("c").prompt({ requestId: "r", text: "hi" }));
  await store.usage.reset(); // as a log is that has just been migrated
  expect(await store.usage.progress()).toMatchObject({ counted: 0 });
  sessions.startUpkeep();
  let isCounted = false;
  await until(() => {
    void store.usage.progress().then((progress) => {
      isCounted = progress === undefined;
    });
    return isCounted;
  });
  expect(said).toContain("counting the usage of conversations that an earlier version wrote");
  await sessions.close();
  await store.close();
});

test("the counting goes on after the log has failed", async () => {
  const ended = new Signal();
  const said: string[] = [];
  let tries = 0;
  const usage = {
    progress: async () => {
      if (++tries === 1) throw new Error("the event log is locked");
      ended.give();
      return undefined;
    },
  } as UsageCounters;
  const older = new OlderUsage(usage, ({ message }) => said.push(message), 1);
  older.start();
  await ended.given;
  await older.close();
  expect([tries, said]).toEqual([2, ["the event log is locked"]]);
});
