import "hono";
import "@hono/node-server";
import "ajv/dist/2020.js";
import { PassThrough } from "node:stream";
import { expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.js";
import { runServe } from "../../src/doors/http/serve.js";
import { runStdio } from "../../src/doors/lines/stdio.js";
import { runMcp } from "../../src/doors/mcp/stdio.js";
import type { App } from "../../src/index.js";
import { openRawAcp } from "../support/acp.js";
import { collect, startApp } from "../support/app.js";
import { answer, startLlmServer } from "../support/llm-server.js";
import { mcpParts } from "../support/mcp-door.js";
import { doorParts, interrupts, Sink } from "./support.js";

/** A function that runs the door until `work` has ended. */
type Door = (app: App, work: () => Promise<void>) => Promise<void>;

/** Runs a door on stdin, which stays open during the work. */
const onPipe =
  (
    run: (app: App, pipe: { stdin: PassThrough; stdout: Sink; onInterrupt: () => () => void }) => Promise<number>,
  ): Door =>
  async (app, work) => {
    const stdin = new PassThrough();
    const exitCode = run(app, { stdin, stdout: new Sink(), onInterrupt: () => () => {} });
    await work();
    stdin.end();
    await exitCode;
  };

const doors: Record<string, Door> = {
  async serve(app, work) {
    const { serve, mcpServe } = app.config;
    const { onInterrupt, interrupt } = interrupts();
    let flush = async () => {};
    const onLeaving = (given: () => Promise<void>) => {
      flush = given;
    };
    const parts = { ...doorParts(app), newId, onLeaving };
    const mcp = { serve: mcpServe, given: {}, defaults: () => app.config.chat.service };
    const options = { ...serve, port: 0, version: "1.0.0", models: () => [], signInFolder: "unused", mcp };
    const exitCode = runServe(parts, options, {
      ...{ stderr: new Sink(), onInterrupt },
      token: { location: undefined, isMade: true },
    });
    await work();
    interrupt();
    await exitCode;
    await flush();
  },
  async acp(app, work) {
    const { end } = openRawAcp(app);
    await work();
    await end();
  },
  mcp: onPipe((app, pipe) => runMcp(mcpParts(app), pipe)),
  stdio: onPipe((app, pipe) => runStdio(doorParts(app), pipe)),
};

test.each(Object.entries(doors))("%s deletes conversations that are too many", async (_, door) => {
  const ids = ["c1", "c2", "c3", "c4"];
  await using llm = await startLlmServer(ids.map(() => answer("hello")));
  const storage = { driver: "memory", max_conversations: 2 };
  await using app = await startApp({ llm: llm.url, storage, recover: false });
  for (const id of ids) await collect(app.sessions.open(id).prompt({ requestId: "r", text: "hi" }));
  const kept = async () =>
    (await app.sessions.list({ most: 100 })).conversations.map(({ conversationId }) => conversationId);
  expect(await kept()).toHaveLength(4);
  await door(app, async () => {
    while ((await kept()).length > 2) await new Promise(setImmediate);
  });
  expect(await kept()).toEqual(["c4", "c3"]);
});
