import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { runSlashCommand } from "../../src/session/commands/commands.js";
import { collect, isStored, startApp } from "../support/app.js";
import { type HttpServer, httpServer } from "../support/mcp-http.js";
import { chatWire, deepSeekWire } from "../support/strict/chat.js";
import { geminiWire } from "../support/strict/gemini.js";
import {
  answer,
  breaking,
  calls,
  loop,
  type Script,
  type StrictMock,
  says,
  startOpenAi,
  thinks,
} from "../support/strict/index.js";
import { messagesWire } from "../support/strict/messages.js";
import { type MockOptions, startVendor } from "../support/strict/server.js";

/** Starts Gemini, and another vendor of Chat Completions next to it. */
const startGeminiAndChat = (script: Script, options: MockOptions = {}) =>
  startVendor("v1beta", (vendor) => [geminiWire(vendor), chatWire(vendor)], script, options);

const startAnthropicAndChat = (script: Script, options: MockOptions = {}) =>
  startVendor("v1", (vendor) => [messagesWire(vendor), chatWire(vendor)], script, options);

const startDeepSeekAndChat = (script: Script, options: MockOptions = {}) =>
  startVendor("v1", (vendor) => [deepSeekWire(vendor), chatWire(vendor)], script, options);
const withoutMarks = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === "cache_control" ? undefined : inner)));

/** Wires, each with the mock of its vendor, the vendor's preset and a price in dollars per million tokens. */
const wires = [
  {
    wire: "responses",
    preset: "openai",
    model: "gpt-5.6-sol",
    start: startOpenAi,
    price: { input: 4, output: 20, cacheRead: 0.4, cacheWrite: 5 },
    /** Returns the list that grows from request to request. */
    history: (body: Record<string, unknown>) => body.input as unknown[],
    /** Text by which kept reasoning is recognised. `foreign` matches the part of it that no other wire may get. */
    kept: "encrypted_content",
    foreign: /encrypted|"rs_|phase/,
    tooLong: "Your input exceeds the context window",
    addsTools: true,
  },
  {
    wire: "gemini",
    preset: "gemini",
    model: "gemini-3.5-pro",
    start: startGeminiAndChat,
    price: { input: 4, output: 20, cacheRead: 0.4 },
    history: (body: Record<string, unknown>) => body.contents as unknown[],
    kept: "CiQB",
    foreign: /CiQB|signature/i,
    tooLong: "exceeds the maximum number of tokens allowed",
  },
  {
    wire: "messages",
    preset: "anthropic",
    model: "claude-opus-5-5",
    start: startAnthropicAndChat,
    price: { input: 4, output: 20, cacheRead: 0.2, cacheWrite: 5 },
    history: (body: Record<string, unknown>) => withoutMarks(body.messages) as unknown[],
    kept: '"signature":"EqQBCgIY',
    foreign: /EqQBCgIY|signature|thinking/,
    tooLong: "prompt is too long",
    // Thinking is bound to the messages that a summary replaces.
    forgetsAtSummary: true,
    addsTools: true,
  },
  {
    wire: "chat",
    preset: "deepseek",
    model: "deepseek-flash",
    start: startDeepSeekAndChat,
    price: { input: 4, output: 20, cacheRead: 0.4 },
    history: (body: Record<string, unknown>) => body.messages as unknown[],
    kept: '"reasoning_content":"step 0"',
    foreign: /reasoning_content|step 0/,
    tooLong: "maximum context length",
  },
];

/** Tool servers that outlive the hosts: one with few tools, one with many. */
let few: HttpServer;
let many: HttpServer;
const big = ({ bytes }: Record<string, unknown>) => ({ content: [{ type: "text", text: "x".repeat(Number(bytes)) }] });
beforeAll(async () => {
  few = await httpServer({ answering: { big } });
  const others = Array.from({ length: 60 }, (_, n) => [`tool_${n}`, () => ({ content: [] })] as const);
  many = await httpServer({ answering: { big, ...Object.fromEntries(others) } });
});
afterAll(async () => {
  await few[Symbol.asyncDispose]();
  await many[Symbol.asyncDispose]();
});

const step = (n: number) => answer(thinks(`step ${n}`), calls("s__big", { bytes: 2048 + n }));
const go = { requestId: "r1", text: "go", streaming: true };

describe.each(wires)("over $wire", (tried) => {
  const { wire, preset, model, start, price, history, kept, foreign, tooLong } = tried;
  const appOf = (mock: StrictMock, folder: string, service: object = {}, server = few) => {
    const native = { base_url: mock.url, wire, model, api_key: "sk-test-0123456789" };
    const chat = { base_url: `${mock.origin}/v1`, model: "gpt-4.1", api_key: "sk-test-0123456789" };
    return startApp({
      llm: mock.url,
      mcpServers: { s: { url: server.url } },
      storage: { path: join(folder, "log.db") },
      config: {
        llm: {
          active: preset,
          providers: { [preset]: native, other: chat },
          prices: {
            [`${preset}/${model}`]: {
              input: price.input,
              output: price.output,
              cached_input: price.cacheRead,
              cache_write: price.cacheWrite ?? 0,
            },
          },
        },
        chat: { service: { approval: "auto", system_prompt: "Be brief. ".repeat(500), max_tool_hops: 40, ...service } },
      },
    });
  };
  const lost = (mock: StrictMock) =>
    mock.hops.flatMap(({ lostReasoning, warnings }) => [...lostReasoning, ...warnings]);
  const isExtension = (mock: StrictMock) => {
    const texts = mock.requests.map(({ body }) =>
      history(body)
        .map((item) => JSON.stringify(item))
        .join("\n"),
    );
    for (const [index, text] of texts.slice(1).entries()) expect(text.startsWith(texts[index] ?? "")).toBe(true);
  };

  async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), "wires-"));
    try {
      await run(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  test("a turn of 30 hops and the one after it read what is repeated from the cache, and /cost is the bill", () =>
    inFolder(async (folder) => {
      await using mock = await start([
        ...loop(30, step, answer(thinks("done"), says("All read."))),
        answer("No more."),
      ]);
      await using app = await appOf(mock, folder);
      await app.ready();
      const session = app.sessions.open("c");
      const events = await collect(session.prompt(go));
      expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
      await collect(session.prompt({ ...go, requestId: "r2", text: "more?" }));
      const bill = mock.bill(price);
      expect(bill.readShare).toBeGreaterThanOrEqual(0.95);
      expect(bill.writtenTwice).toEqual([]);
      expect(lost(mock)).toEqual([]);
      isExtension(mock);
      const { hub, sessions, resolveModel } = app;
      const scope = {
        hub,
        sessions,
        session,
        resolveModel,
        reload: async () => "",
        signal: new AbortController().signal,
      };
      const outcome = await runSlashCommand("/cost", scope);
      expect(outcome).toMatchObject({ text: expect.stringContaining(`$${bill.dollars.toFixed(4)}`) });
    }));

  const addsTools = tried.addsTools ? test : test.skip;
  addsTools(
    "tools that are found or called late, and a stored result, leave the cache as it is, also after a restart",
    () =>
      inFolder(async (folder) => {
        const call = (name: string, args: object = {}) => answer(thinks(name), calls(name, args));
        await using mock = await start([
          call("host__find_tools", { query: "does tool_0 tool_50", limit: 20 }),
          ...Array.from({ length: 8 }, (_, n) => call("s__big", { bytes: 2048 + n })),
          call("s__tool_58"),
          call("s__big", { bytes: 60_000 }),
          ...Array.from({ length: 4 }, (_, n) => call("s__big", { bytes: 2048 + n })),
          answer(thinks("so"), "done"),
          call("host__find_tools", { query: "does tool_30 tool_40", limit: 20 }),
          ...Array.from({ length: 8 }, (_, n) => call("s__big", { bytes: 2048 + n })),
          answer("done"),
        ]);
        for (const requestId of ["r1", "r2"]) {
          await using app = await appOf(mock, folder, { tool_budget_tokens: 400 }, many);
          await app.ready();
          const events = await collect(app.sessions.open("c").prompt({ ...go, requestId }));
          expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
        }
        expect(mock.refusals).toEqual([]);
        expect(lost(mock)).toEqual([]);
        const { readShare, writtenTwice } = mock.bill(price);
        expect(writtenTwice).toEqual([]);
        expect(readShare).toBeGreaterThanOrEqual(0.95);
      }),
  );

  test("a schema for the answer of one turn leaves what was sent before it as it is, also after restarts", () =>
    inFolder(async (folder) => {
      await using mock = await start([
        step(0),
        answer(thinks("one"), says("First.")),
        step(1),
        answer(thinks("two"), says('{"title":"a bug"}')),
        step(2),
        answer(thinks("three"), says("Third.")),
      ]);
      const jsonSchema = { type: "object", additionalProperties: false, properties: { title: { type: "string" } } };
      for (const more of [{}, { output: { jsonSchema } }, {}]) {
        // Long enough for every provider's cache.
        await using app = await appOf(mock, folder, { system_prompt: "Be brief. ".repeat(2000) });
        await app.ready();
        const request = { ...go, requestId: `r${mock.requests.length}`, ...more };
        const events = await collect(app.sessions.open("c").prompt(request));
        expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
      }
      const refusals = mock.refusals.map(({ message }) => message);
      // DeepSeek supports no schemas.
      expect(refusals).toEqual(wire === "chat" ? ["This response_format type is unavailable now"] : []);
      expect(lost(mock)).toEqual([]);
      isExtension(mock);
      const fronts = mock.requests.map(({ body: { system, systemInstruction, tools } }) =>
        JSON.stringify(withoutMarks({ system, systemInstruction, tools })),
      );
      expect(new Set(fronts).size).toBe(1);
      const told = mock.requests.map(({ text }) => text.split("JSON Schema").length - 1);
      expect([...new Set(told)]).toEqual([0, 1]);
      const bill = mock.bill(price);
      expect(bill.readShare).toBeGreaterThanOrEqual(0.95);
      // Responses also caches by the format of the answer, so the first request with another format is not in the cache.
      if (wire !== "responses") expect(bill.prefixBroken).toEqual([]);
    }));

  test("a turn that another host continues sends the reasoning again, in the middle of a loop", () =>
    inFolder(async (folder) => {
      const stall = breaking({ how: "stall", at: "before_text" }, thinks("cut"), says("x"));
      await using mock = await start([
        step(0),
        step(1),
        stall,
        step(2),
        answer(thinks("so"), says("done")),
        answer("yes"),
      ]);
      {
        const app = await appOf(mock, folder);
        await app.ready();
        await app.sessions.open("c").submit(go);
        await mock.received(3);
        await app.drain(0);
        await app.close();
      }
      await using app = await appOf(mock, folder);
      await app.ready();
      const events = await collect(app.sessions.open("c").prompt(go));
      expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
      await collect(app.sessions.open("c").prompt({ ...go, requestId: "r2", text: "sure?" }));
      expect(mock.refusals).toEqual([]);
      expect(lost(mock)).toEqual([]);
    }));

  test("a model of another wire gets none of the reasoning, and the first one finds it again", () =>
    inFolder(async (folder) => {
      await using mock = await start([
        step(0),
        answer(thinks("so"), says("one")),
        answer(calls("s__big", { bytes: 10 })),
        answer("two"),
        answer(thinks("x"), says("three")),
      ]);
      await using app = await appOf(mock, folder);
      await app.ready();
      const session = app.sessions.open("c");
      await collect(session.prompt(go));
      await collect(session.prompt({ ...go, requestId: "r2", model: "other/gpt-4.1" }));
      const events = await collect(session.prompt({ ...go, requestId: "r3" }));
      expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
      expect(mock.refusals).toEqual([]);
      const [, , other, , again] = mock.requests.map(({ text }) => text);
      expect(other).not.toMatch(foreign);
      expect(again).toContain(kept);
      expect(lost(mock)).toEqual([]);
    }));

  test("a conversation that is too long is summed up, and goes on", () =>
    inFolder(async (folder) => {
      const script: Script = ({ userText }) =>
        answer(thinks("hm"), says(userText.length < 100 ? "A short answer." : "An answer. ".repeat(100)));
      await using mock = await start(script, { contextWindow: 7000 });
      await using app = await appOf(mock, folder);
      await app.ready();
      const session = app.sessions.open("c");
      const stops: unknown[] = [];
      for (let turn = 0; turn < 12; turn++) {
        // The short turn before a turn that is too long must stay unchanged.
        const text = "A question. ".repeat(turn % 2 === 0 ? 400 : 1);
        const events = await collect(session.prompt({ requestId: `r${turn}`, text, streaming: true }));
        stops.push(events.at(-1));
        if (events.filter(isStored).some(({ type }) => type === "compaction")) break;
      }
      expect(stops.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
      const refused = mock.refusals.map(({ message }) => message);
      expect(refused).toEqual(refused.map(() => expect.stringContaining(tooLong)));
      expect(refused).not.toEqual([]);
      const next = mock.requests.at(-1)?.text ?? "";
      if (!tried.forgetsAtSummary) expect(lost(mock)).toEqual([]);
      else expect([next.includes("A short answer."), next.includes(kept)]).toEqual([true, false]);
    }));
});
