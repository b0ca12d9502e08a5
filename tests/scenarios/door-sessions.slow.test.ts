import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { loadConfig } from "../../src/config/reading/load.js";
import { createApp } from "../../src/host/app.js";
import { openCassette } from "../../src/scripted/cassette/cassette.js";
import { exportSession } from "../../src/scripted/host/export-session.js";
import { runReadScript } from "../../src/scripted/host/run-script.js";
import { settingsOf } from "../../src/scripted/host/script-settings.js";
import { readScript } from "../../src/scripted/reading/read-script.js";
import { transcriptOf } from "../../src/scripted/script-transcript.js";
import type { Script } from "../../src/scripted/shared/script.js";
import { temporaryFolder } from "../support/mcp-hub.js";
import { acp } from "./doors/acp.js";
import type { Door, Prompt } from "./doors/door.js";
import { chatCompletions, http, responses } from "./doors/http.js";
import { library } from "./doors/library.js";
import { mcp } from "./doors/mcp.js";
import { pipe, socket } from "./doors/messages.js";
import { chat, run } from "./doors/terminal.js";

/** Doors by the name of the session that was recorded through each. */
const doors: Record<string, Door> = {
  acp,
  "chat-completions": chatCompletions,
  http,
  library,
  mcp,
  responses,
  run: run("text"),
  stdio: pipe,
  "terminal-chat": chat,
  websocket: socket,
};

const folder = "scripts/sessions/doors";
const home = temporaryFolder();
afterAll(() => home[Symbol.dispose]());
const surroundings = { env: { HOME: home.path }, allowsUnset: true };

test("there is a session for every door", () => {
  const names = readdirSync(folder).flatMap((name) => /^(.*)\.session\.yaml$/.exec(name)?.[1] ?? []);
  expect(names.sort()).toEqual(Object.keys(doors).sort());
});

/** With RECORD_DOORS=1, holds a conversation with the demo model through each door and replaces the exported session. */
if (process.env.RECORD_DOORS) {
  test.each(Object.entries(doors))("the session of %s is recorded", async (name, door) => {
    const asks = door.cannot?.ask === undefined;
    using place = temporaryFolder();
    const env = { PATH: process.env.PATH, HOME: place.path };
    const mcpServers = { demo: { command: "node", args: ["dist/demo/mcp-server.js"] } };
    const service = { approval: asks ? "ask" : "auto" };
    const chat = { storage: { path: join(place.path, "log.db") }, service };
    const loaded = loadConfig({ llm: { active: "demo" }, mcpServers, chat }, { env });
    await using app = await createApp({ config: loaded, observe: () => {}, env });
    await app.ready();
    let id: string;
    {
      await using opened = await door.open(app, true);
      const conversationId = name;
      await opened.prompt({ conversationId, requestId: "1", text: "Add 2 and 40", ...(asks && { answer: true }) });
      await opened.prompt({ conversationId, requestId: "2", text: "What are you?" });
      id = (await opened.idOf?.(name)) ?? name;
    }
    const parts = { loaded, env, secrets: [], folder: place.path };
    const { files } = await exportSession(id, await app.sessions.history(id), parts);
    for (const file of files) {
      const text = readFileSync(file, "utf8").replaceAll(id, name);
      writeFileSync(join(folder, basename(file).replace(id, name)), text);
    }
  });
}

describe.each(Object.entries(doors))("the session of %s", (name, door) => {
  test.each([true, false])(
    "is the same through its door as it is as a script, streamed: %s",
    async (streaming) => {
      const script = readScript(resolve(folder, `${name}.session.yaml`), process.cwd());
      const asScript = await runReadScript(script, { cassette: "replay", observe: () => {}, env: surroundings.env });
      expect(asScript.error ?? asScript.steps.filter(({ passed }) => !passed)).toEqual([]);
      const throughDoor = await transcriptThrough(door, script, streaming);
      const ownRequestIds = door.cannot?.["name requests"] !== undefined;
      expect(comparable(throughDoor, ownRequestIds)).toBe(comparable(asScript.transcript, ownRequestIds));
    },
    60_000,
  );
});

async function transcriptThrough(door: Door, script: Script, streaming: boolean): Promise<string> {
  const { approval } = script.permissions;
  const allow = script.allowedInReplay;
  const service = { streaming: { enabled: streaming }, ...(approval && { approval }), permissions: { allow } };
  const config = loadConfig({ chat: { service, titles: "first-words" } }, surroundings);
  const { tape, misses, finish } = await openCassette({ path: script.cassette, mode: "replay", strict: true });
  await using app = await createApp({
    config: config.with(settingsOf(script), { allowsUnset: true }),
    env: surroundings.env,
    observe: () => {},
    recover: false,
    keepsApprovals: false,
    tape,
  });
  await app.ready();
  let id: string;
  {
    await using opened = await door.open(app, streaming);
    for (const prompt of promptsOf(script)) await opened.prompt(prompt);
    id = (await opened.idOf?.("main")) ?? "main";
  }
  expect([misses, await finish()]).toEqual([[], []]);
  return transcriptOf([{ name: "main", events: await app.sessions.history(id) }]);
}

/** Returns the prompts of a script, with the request ids that the script runner gives them. */
function promptsOf({ steps }: Script): Prompt[] {
  const prompts: Prompt[] = [];
  for (const step of steps) {
    const last = prompts.at(-1);
    if (step.kind === "user") {
      prompts.push({ conversationId: "main", requestId: `main-${prompts.length + 1}`, text: step.text });
    } else if (step.kind === "answer" && last) last.answer = step.value === true;
    else throw new Error(`no door has a way to do ${step.name}`);
  }
  return prompts;
}

/** Removes the model that a request names, because some APIs require it, and the ids of requests if the door makes them itself. */
function comparable(transcript: string, ownRequestIds: boolean): string {
  return transcript.replaceAll(/^.*"type":"user_message".*$/gm, (line) => {
    const { model: _, ...message } = JSON.parse(line);
    return JSON.stringify(ownRequestIds ? { ...message, requestId: "" } : message);
  });
}
