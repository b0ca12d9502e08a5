import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { StorageConfig } from "../../../src/core/config.js";
import type { App } from "../../../src/index.js";
import { exportConversation } from "../../../src/session/export/export.js";
import { exportFormats } from "../../../src/session/export/formats.js";
import { collect, fixtureServer, shape, startApp } from "../../support/app.js";
import { answer, type LlmRequest, type LlmServer, startLlmServer } from "../../support/llm-server.js";
import { newStorage } from "../../support/storages.js";
import { joined } from "../support.js";
import { loadPreviousLog } from "./load-log.js";

/** Conversations of the log, each with the numbers of the answers that called tools and still belong to it. */
const CONVERSATIONS = { loop: [1, 2, 4, 5], copy: [1, 2], rewound: [7, 8], summed: [20, 21], open: [23] };
const ids = Object.keys(CONVERSATIONS) as (keyof typeof CONVERSATIONS)[];

const folder = mkdtempSync(join(tmpdir(), "previous-"));
let storage: StorageConfig;
let llm: LlmServer;
let app: App;

const start = () =>
  startApp({
    llm: llm.url,
    storage,
    mcpServers: {
      s: fixtureServer({
        instructions: "Ask for big things.",
        pages: [[{ name: "big", inputSchema: { type: "object" } }]],
      }),
    },
    config: { chat: { service: { approval: "auto", result_limit_tokens: 256 } } },
  });

beforeAll(async () => {
  storage = await newStorage(folder, process.env.TEST_STORAGE === "postgres" ? "postgres" : "sqlite");
  await loadPreviousLog(storage);
  llm = await startLlmServer(({ body }) => answer(`after ${body.messages?.length}`));
  app = await start();
  await app.ready();
});
afterAll(async () => {
  await app.close();
  await llm[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Returns the reasoning and the signatures of calls that a request sends back. */
function sentBack({ body }: LlmRequest): unknown[] {
  const called = (body.messages ?? []).filter(({ tool_calls }) => tool_calls);
  return called.flatMap(({ reasoning_details, tool_calls }) => [
    ...(reasoning_details as { signature: string }[]).map(({ signature }) => signature),
    ...(tool_calls as unknown as { extra_content: { google: { thought_signature: string } } }[]).map(
      ({ extra_content }) => extra_content.google.thought_signature,
    ),
  ]);
}

const signaturesOf = (answers: readonly number[]) =>
  answers.flatMap((count, index) => {
    const calls = index % 2 === 0 ? [0, 1] : [0];
    return [`signature ${count}`, ...calls.map((call) => `call signature ${count}.${call}`)];
  });

test("a turn that its killed host left open ends by itself, and runs no call again", async () => {
  const events = await collect(
    app.sessions.open("open").prompt({ requestId: "one, left open", text: "one, left open" }),
  );
  expect(shape(events).filter((type) => type === "tool_sent")).toHaveLength(2);
  expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  expect(sentBack(llm.requests[0] as LlmRequest)).toEqual(signaturesOf([23]));
});

test.each(ids)(
  "the conversation %s goes on, and its provider gets back what it had signed, also from the host after",
  async (id) => {
    for (const requestId of ["next", "next but one"]) {
      const events = await collect(app.sessions.open(id).prompt({ requestId, text: requestId, streaming: true }));
      expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
      const request = llm.requests.at(-1) as LlmRequest;
      expect(sentBack(request)).toEqual(signaturesOf(CONVERSATIONS[id]));
      expect(request.text.includes("A summary of what was said.")).toBe(id === "summed");
      const other = await start();
      await app.close();
      app = other;
      await app.ready();
    }
  },
);

test.each(ids)("the conversation %s is shown, copied and exported", async (id) => {
  const { conversations } = app.sessions;
  const events = await conversations.read(id);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  for (const format of exportFormats) {
    const text = await joined(exportConversation(conversations, id, { format, secrets: [] }));
    expect(text).toContain("Let me see.");
    // The JSON export has whole events; the exports for people have no signatures.
    expect(/signature \d/.test(text)).toBe(format === "json");
  }
  const copy = await conversations.fork(id);
  await collect(app.sessions.open(copy).prompt({ requestId: "in the copy", text: "in the copy" }));
  expect(sentBack(llm.requests.at(-1) as LlmRequest)).toEqual(signaturesOf(CONVERSATIONS[id]));
});
