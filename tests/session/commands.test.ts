import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { StoredEvent } from "../../src/core/events.js";
import { partsText } from "../../src/core/messages.js";
import type { App } from "../../src/index.js";
import { isSlashCommand, runSlashCommand, slashCommands } from "../../src/session/commands/commands.js";
import type { CommandScope } from "../../src/session/commands/slash-command.js";
import { historyText } from "../../src/session/conversations/conversation-view.js";
import {
  promptsText,
  resourcesText,
  serversData,
  serversText,
  toolsText,
  trustText,
} from "../../src/session/shared/command-text.js";
import { collect, script, startApp } from "../support/app.js";
import { answer, startLlmServer } from "../support/llm-server.js";

/** A host with the demo server. Its model cannot be reached. */
let scope: CommandScope;
let app: App;
beforeAll(async () => {
  // In memory: on PostgreSQL a process takes turns from one database only, and a test below starts a host of its own.
  const storage = { driver: "memory" };
  app = await startApp({ llm: "http://127.0.0.1:9", mcpServers: { demo: script("dist/demo/mcp-server.js") }, storage });
  await app.ready();
  const { hub, sessions, resolveModel } = app;
  const signal = new AbortController().signal;
  scope = { hub, sessions, session: sessions.open("c"), resolveModel, reload: async () => "added s", signal };
});
afterAll(async () => app[Symbol.asyncDispose]());

describe("slash commands", () => {
  test("have a line each in the help", async () => {
    const outcome = await runSlashCommand("/help", scope);
    const text = outcome.type === "text" ? outcome.text : "";
    expect(text.split("\n").map((line) => line.split(" ")[0])).toEqual(slashCommands.map(({ name }) => `/${name}`));
  });

  test("show servers, tools, prompts, resources and the model", async () => {
    const shown = async (line: string) => {
      const outcome = await runSlashCommand(line, scope);
      return outcome.type === "text" ? outcome.text : outcome.type;
    };
    expect(await shown("/servers")).toMatch(
      /^demo {2}ready {2}stdio {2}4 tools, 1 prompt, 1 resource, ready in \d+ ms, answers in \d+ ms/,
    );
    expect(await shown("/tools")).toContain("demo.add");
    expect(await shown("/prompts")).toBe("demo__summarize topic=…  Asks for a summary of a topic");
    expect(await shown("/resources")).toBe("demo://readme  What this demo server is");
    expect(await shown("/resource demo://readme")).toContain("This is the MCP server that comes with MCP-Platform.");
    expect(await shown("/history")).toBe("no message was sent yet");
    expect(await shown("/model")).toBe("test/m1 (wire: chat, chosen by default)");
    expect(await shown("/reload")).toBe("added s");
  });

  test("tell the front door what to do", async () => {
    expect(await runSlashCommand("/clear", scope)).toEqual({ type: "clear" });
    expect(await runSlashCommand("/exit", scope)).toEqual({ type: "exit" });
    expect(await runSlashCommand("/model test/m2", scope)).toEqual({ type: "model", model: "test/m2" });
    expect(await runSlashCommand("/prompt demo__summarize topic='a b'", scope)).toEqual({
      type: "prompt",
      content: [{ type: "text", text: expect.stringContaining("Summarize in three sentences: a b") }],
    });
  });

  test.each([
    ["/servrs", "there is no command /servrs", "did you mean /servers?"],
    ["/exi", "there is no command /exi", "did you mean /exit?"],
    ["/", "there is no command /", "/help shows the commands"],
    ["/dance", "there is no command /dance", "/help shows the commands"],
    ["/prompt", "usage: /prompt NAME [argument=value…]", ""],
    ["/prompt demo__summarize topic", '"topic" is not argument=value', ""],
    ["/resource", "usage: /resource URI", ""],
    ["/rewind 0", "usage: /rewind [N]", ""],
    ["/rewind last", "usage: /rewind [N]", ""],
    ["/rewind", "there is no conversation c", expect.any(String)],
    ["/model openai/m", expect.stringContaining("OPENAI_API_KEY"), expect.any(String)],
  ])("are refused with a reason: %s", async (line, message, hint) => {
    await expect(runSlashCommand(line, scope)).rejects.toMatchObject({ message, hint });
  });

  test("take the last turns back, and show what is left", async () => {
    await using llm = await startLlmServer(["one", "two", "three"].map((text) => answer(text)));
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    for (const text of ["a", "b", "c"]) await collect(session.prompt({ requestId: text, text }));
    const { hub, sessions, resolveModel } = app;
    const here = { ...scope, hub, sessions, session, resolveModel };
    expect(await runSlashCommand("/rewind 2", here)).toEqual({ type: "text", text: "you: a\nassistant: one" });
    expect(await runSlashCommand("/history", here)).toEqual({ type: "text", text: "you: a\nassistant: one" });
  });

  test("name and pin the conversation", async () => {
    await using llm = await startLlmServer([answer("one")]);
    await using app = await startApp({ llm: llm.url });
    const session = app.sessions.open("c");
    await collect(session.prompt({ requestId: "a", text: "a" }));
    const { hub, sessions, resolveModel } = app;
    const entry = () => sessions.conversations.entry("c");
    const run = (line: string) => runSlashCommand(line, { ...scope, hub, sessions, session, resolveModel });
    expect(await run("/rename  All about a ")).toEqual({
      type: "text",
      text: "this conversation is called “All about a”",
    });
    await run("/pin");
    expect(await entry()).toMatchObject({ title: "All about a", pinned: true });
    expect(await run("/rename")).toEqual({ type: "text", text: "this conversation is called “a”" });
    await run("/pin");
    expect(await entry()).toMatchObject({ title: "a", pinned: false });
  });

  test("are recognised by their first character", () => {
    expect(isSlashCommand("/help")).toBe(true);
    expect(isSlashCommand("what is /help?")).toBe(false);
  });
});

describe("the texts of commands", () => {
  test("say when a list is empty", () => {
    expect([toolsText([]), serversText([]), promptsText([]), resourcesText([])]).toEqual([
      "no server offers a tool",
      "no MCP server is configured",
      "no server offers a prompt",
      "no server offers a resource",
    ]);
  });

  test("say what a degraded server still offers, and how fast it answers", () => {
    const server = { name: "fs", state: "degraded" as const, transport: "http", tools: 2, prompts: 0, resources: 0 };
    expect(serversText([{ ...server, startMs: 80, latencyMs: 3, reason: "left out: x" }])).toBe(
      "fs  degraded  http  2 tools, 0 prompts, 0 resources, ready in 80 ms, answers in 3 ms, left out: x",
    );
  });

  test("say why a server is not ready", () => {
    const server = { name: "fs", state: "failed" as const, transport: "stdio", tools: 0, prompts: 0, resources: 0 };
    expect(serversText([{ ...server, reason: "npx is not installed" }])).toBe(
      "fs  failed  stdio  npx is not installed",
    );
  });

  const up = { name: "fs", transport: "stdio", tools: 3, prompts: 0, resources: 1, startMs: 200, latencyMs: 7 };
  const facts = "3 tools, 0 prompts, 1 resource, ready in 200 ms, answers in 7 ms, version 1.2, modern protocol";

  test.each(["ready", "degraded"] as const)("say what a server offers and how fast it is when it is %s", (state) => {
    const server = { ...up, state, version: "1.2", era: "modern" as const };
    expect(serversText([server])).toBe(`fs  ${state}  stdio  ${facts}`);
    expect(serversText([{ ...server, reason: "left out: x" }])).toBe(`fs  ${state}  stdio  ${facts}, left out: x`);
  });

  test("have a JSON form for programs, with null for unknown values", () => {
    expect(JSON.parse(serversData([{ ...up, state: "ready" }]))).toEqual([
      {
        ...{ name: "fs", state: "ready", transport: "stdio", tools: 3, prompts: 0, resources: 1, start_ms: 200 },
        ...{ latency_ms: 7, version: null, era: null, reason: null },
      },
    ]);
  });

  test("name the tools that are trusted from now on", () => {
    expect(trustText("fs", new Map([["write", "its title changed"]]))).toBe(
      "fs.write is trusted as it is now: its title changed",
    );
    expect(trustText("fs", new Map())).toBe("fs: nothing has changed");
  });

  test("describe parts other than text", () => {
    const picture = { type: "image" as const, data: "aGk=", mimeType: "image/png" };
    const link = { type: "resource_link" as const, uri: "file:///a" };
    expect(partsText([{ type: "text", text: "see" }, picture, link])).toBe("see\n[image, image/png]\n[file:///a]");
  });

  test("show a conversation", () => {
    const common = { turnId: "t", at: 0 };
    const call = { id: "c1", name: "s__add", arguments: "{}" };
    const assistant = { finishReason: "stop", provider: "p", model: "m", attempts: 1 } as const;
    const say = (content: string) => ({ role: "assistant" as const, content, toolCalls: [] });
    const result = { name: "s__add", callId: "c1", content: [{ type: "text" as const, text: "42\nmore" }] };
    const error = { kind: "auth", message: "no key", retryable: false, hint: "" };
    const events: StoredEvent[] = [
      { ...common, seq: 1, type: "user_message", requestId: "r", content: [{ type: "text", text: "hi" }] },
      { ...common, seq: 2, type: "assistant_message", message: say(""), ...assistant },
      { ...common, seq: 3, type: "tool_call", call },
      { ...common, seq: 4, type: "tool_sent", callId: "c1" },
      { ...common, seq: 5, type: "tool_result", isError: false, ...result },
      { ...common, seq: 6, type: "assistant_message", message: say("It is 42."), ...assistant },
      { ...common, seq: 7, type: "turn_end", stopReason: "max_tool_hops" },
      { ...common, seq: 8, type: "turn_error", error },
    ];
    expect(historyText(events)).toBe(
      "you: hi\n> s__add {}\n  s__add ok: 42\nassistant: It is 42.\n(max_tool_hops)\n(error: no key)",
    );
  });
});
