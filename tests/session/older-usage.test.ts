import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.js";
import { openStore } from "../../src/log/open.js";
import { Sessions } from "../../src/session/sessions.js";
import { collect, startApp } from "../support/app.js";
import { joining } from "../support/cluster.js";
import { answer, startLlmServer } from "../support/llm-server.js";
import { temporaryFolder, until } from "../support/mcp-hub.js";

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
