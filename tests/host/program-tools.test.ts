import { expect, test } from "@jest/globals";
import { z } from "zod";
import { createApp, type ProgramTool, tool } from "../../src/index.js";
import { collect, startApp } from "../support/app.js";
import { answer, type Step, startLlmServer, toolCalls } from "../support/llm-server.js";

async function started(tools: ProgramTool[], steps: Step[], approval = "ask") {
  const llm = await startLlmServer(steps);
  const app = await startApp({ llm: llm.url, tools, config: { chat: { service: { approval } } } });
  const close = async () => {
    await app.close();
    await llm[Symbol.asyncDispose]();
  };
  return { llm, app, session: app.sessions.open("c"), [Symbol.asyncDispose]: close };
}

const add = tool({
  name: "add",
  description: "Adds",
  inputSchema: z.object({ a: z.number(), b: z.number().default(2) }),
  readOnly: true,
  execute: ({ a, b }) => a + b,
});

/** Calls the tool with these arguments. Returns the result that the model gets, and the events. */
async function called(given: ProgramTool, args: object, approval = "auto") {
  const call = toolCalls([{ name: `app__${given.name}`, arguments: args }]);
  await using host = await started([given], [call, answer("ok")], approval);
  const events = await collect(host.session.prompt({ text: "go", unattended: true }));
  const result = events.find((event) => event.type === "tool_result");
  if (result?.type !== "tool_result") throw new Error("there is no result");
  return { events, content: result.content, isError: result.isError, requests: host.llm.requests };
}

test("a function is a tool: the model sees its schema, and a read-only tool runs without approval", async () => {
  const { content, isError, requests } = await called(add, { a: 40 }, "ask");
  expect([content, isError]).toEqual([[{ type: "text", text: "42" }], false]);
  const [offered] = requests[0]?.body.tools ?? [];
  expect(offered).toMatchObject({
    function: { name: "app__add", parameters: { properties: { a: { type: "number" } } } },
  });
});

test("any other tool is asked about, and rules name it as they name the tools of servers", async () => {
  const calls: unknown[] = [];
  const drop = tool({
    name: "drop",
    description: "",
    inputSchema: { type: "object" },
    execute: (args) => calls.push(args),
  });
  const call = toolCalls([{ name: "app__drop", arguments: {} }]);
  await using host = await started([drop], [call, answer("no"), call, answer("yes")]);
  await host.session.prompt({ text: "go" }).text();
  expect(calls).toEqual([]);
  await host.session.prompt({ text: "go", allow: ["app.drop"] }).text();
  expect(calls).toEqual([{}]);
});

test("arguments that do not fit are refused: by the JSON Schema, or by a rule of the schema that JSON Schema cannot state", async () => {
  const even = z.object({ n: z.number().refine((n) => n % 2 === 0, "must be even") });
  const half = tool({ name: "half", description: "", inputSchema: even, execute: ({ n }) => n / 2 });
  const [typed, odd] = [await called(half, { n: "x" }), await called(half, { n: 3 })];
  expect([typed.isError, JSON.stringify(typed.content)]).toEqual([true, expect.stringContaining("was not called")]);
  expect([odd.isError, JSON.stringify(odd.content)]).toEqual([true, expect.stringContaining("n: must be even")]);
});

test("an error becomes a failed call with its message", async () => {
  const fail = tool({
    name: "fail",
    description: "",
    inputSchema: z.object({}),
    execute() {
      throw new Error("no such city");
    },
  });
  expect(await called(fail, {})).toMatchObject({ isError: true, content: [{ type: "text", text: "no such city" }] });
});

test("a result is a text, JSON, or content blocks of MCP", async () => {
  const give = (value: unknown) =>
    called(tool({ name: "give", description: "", inputSchema: z.object({}), execute: async () => value }), {});
  const data = Buffer.from("x").toString("base64");
  const picture = { type: "image", data, mimeType: "image/png" };
  expect((await give("words")).content).toEqual([{ type: "text", text: "words" }]);
  expect((await give({ a: [1] })).content).toEqual([{ type: "text", text: '{"a":[1]}' }]);
  expect((await give({ content: ["not a block"] })).content).toEqual([
    { type: "text", text: '{"content":["not a block"]}' },
  ]);
  expect((await give(undefined)).content).toEqual([{ type: "text", text: "done" }]);
  expect((await give({ content: [picture] })).content).toEqual([picture]);
});

test("a tool reports progress and knows its call", async () => {
  const ids: unknown[] = [];
  const slow = tool({
    name: "slow",
    description: "",
    inputSchema: z.object({}),
    execute(_, { progress, callId }) {
      ids.push(callId);
      progress({ progress: 1, total: 2, message: "half" });
      return "done";
    },
  });
  const { events } = await called(slow, {});
  expect(events.find(({ type }) => type === "tool_progress")).toMatchObject({ progress: 1, total: 2, message: "half" });
  expect(ids).toEqual([expect.any(String)]);
});

test("the signal of a call aborts when the turn is cancelled, when the call takes too long, and when the host closes", async () => {
  const begun: (() => void)[] = [];
  const wait = (timeoutMs?: number) =>
    tool({
      name: "wait",
      description: "",
      inputSchema: z.object({}),
      timeoutMs,
      execute: (_, { signal }) =>
        new Promise((_, reject) => {
          begun.shift()?.();
          signal.addEventListener("abort", () => {
            aborted += 1;
            reject(signal.reason);
          });
        }),
    });
  let aborted = 0;
  const late = await called(wait(20), {});
  expect([aborted, late.isError]).toEqual([1, true]);
  const call = toolCalls([{ name: "app__wait", arguments: {} }]);
  await using host = await started([wait()], [call, call], "auto");
  for (const end of [() => host.session.cancel(), () => host.app.close()]) {
    const running = new Promise<void>((resolve) => begun.push(resolve));
    const events = collect(host.session.prompt({ text: "go" }));
    await running;
    await end();
    await events;
  }
  expect(aborted).toBe(3);
});

test("names are used once", async () => {
  const config = { llm: { active: "demo" }, chat: { storage: { driver: "memory" } } };
  await expect(createApp({ config, tools: [add, add] })).rejects.toThrow("two tools of the program have the name add");
  const mcpServers = { app: { command: "x" } };
  await expect(createApp({ config: { ...config, mcpServers }, tools: [add] })).rejects.toThrow(
    "mcpServers.app must have",
  );
});

test("a schema that describes no object is refused at once", () => {
  const make = () => tool({ name: "t", description: "", inputSchema: { type: "string" }, execute: () => "" });
  expect(make).toThrow('the inputSchema of the tool t must have "type": "object" at its top');
});
