import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { ProtocolClient } from "../../src/doors/protocol/protocol-client.js";
import { inFolder } from "../log/support.js";
import { startApp } from "../support/app.js";
import { answer, startLlmServer } from "../support/llm-server.js";
import { readMessage } from "../support/wire-messages.js";
import { doorParts } from "./support.js";

interface Entry {
  conversation_id: string;
  title?: string;
  state?: string;
  pinned?: boolean;
}

test("a watched list shows what this host and another one on the log change, until it is cancelled", () =>
  inFolder(async (folder) => {
    await using llm = await startLlmServer([answer("one"), answer("two")]);
    const storage = { driver: "sqlite", path: join(folder, "log.db") };
    await using app = await startApp({ llm: llm.url, storage });
    await using other = await startApp({ llm: llm.url, storage });
    const seen: [string, Entry][] = [];
    const refusals: string[] = [];
    let wake = () => {};
    const client = new ProtocolClient(doorParts(app), async (message) => {
      const { chunk } = readMessage(JSON.stringify(message));
      if (message.status === "error") refusals.push(message.chunk.error);
      else seen.push([String(chunk.type), chunk.data as Entry]);
      wake();
    });
    const until = async (type: string, expected: Partial<Entry>) => {
      const isThere = () =>
        seen.some(
          ([each, entry]) =>
            each === type && Object.entries(expected).every(([key, value]) => entry[key as keyof Entry] === value),
        );
      while (!isThere()) await new Promise<void>((resolve) => (wake = resolve));
    };
    for await (const _ of app.sessions.open("c0").prompt({ requestId: "r0", text: "earlier" }));
    client.receive(JSON.stringify({ action: "watch_sessions", request_id: "w" }));
    await until("session", { conversation_id: "c0", title: "earlier", state: "idle" });
    for await (const _ of app.sessions.open("c1").prompt({ requestId: "r1", text: "here" }));
    await until("session", { conversation_id: "c1", state: "running" });
    await until("session", { conversation_id: "c1", state: "idle" });
    await other.sessions.conversations.label("c0", { title: "by the other host", pinned: true });
    await until("session", { conversation_id: "c0", title: "by the other host", pinned: true });
    await other.sessions.delete("c1");
    await until("session_deleted", { conversation_id: "c1" });
    client.receive(JSON.stringify({ action: "watch_sessions", request_id: "again" }));
    while (!refusals.length) await new Promise<void>((resolve) => (wake = resolve));
    expect(refusals).toEqual(["the list is already followed here"]);
    client.receive(JSON.stringify({ action: "cancel", request_id: "w" }));
    await client.leave();
  }));
