import { expect, test } from "@jest/globals";
import type { CompletionRequest, Message } from "../../../../src/core/messages.js";
import { costUsd } from "../../../../src/llm/providers/prices.js";
import { answer, calls, loop, says, startAnthropic, thinks } from "../../../support/strict/index.js";
import { loopTools, messagesClient, runLoop, system, user } from "./loop.js";

/** Dollars per million tokens. Reads and writes of the cache have their own prices. */
const price = { input: 5, output: 25, cachedInput: 0.5, cacheWrite: 6.25, cacheWrite1h: 10 };
const bill = { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25, cacheWrite1h: 10 };
const result = () => "r".repeat(2048);

test.each<[string, number, "5m" | "1h"]>([
  ["claude-opus-5-5", 1, "5m"],
  ["claude-opus-5-5", 12, "5m"],
  ["claude-opus-4-6", 4, "1h"],
  ["claude-haiku-4-5", 2, "5m"],
])(
  "%s, 30 hops of %d calls with results of 2 KB, kept for %s: what is repeated is read, nothing is written twice",
  async (model, parallel, cache) => {
    const hop = (n: number) =>
      answer(
        thinks(`think ${n}`),
        says(`look ${n}`),
        ...Array.from({ length: parallel }, (_, k) => calls("calc__add", { n, k })),
      );
    const turn = loop(30, hop, answer("done"));
    await using mock = await startAnthropic([...turn, answer("again")]);
    await using client = messagesClient(mock, { model, cache });
    const messages: Message[] = [system, user("go ".repeat(4000))];
    const completions = await runLoop(client, messages, { textOf: result });
    messages.push(user("and?"));
    completions.push(...(await runLoop(client, messages)));
    const { readShare, writtenTwice, dollars } = mock.bill(bill);
    expect(mock.refusals).toEqual([]);
    expect(readShare).toBeGreaterThanOrEqual(0.95);
    expect(writtenTwice).toEqual([]);
    const counted = completions.reduce((sum, { usage }) => sum + (usage ? costUsd(usage, price) : 0), 0);
    expect(counted).toBeCloseTo(dollars, 6);
  },
);

test("off: nothing is marked", async () => {
  await using mock = await startAnthropic([answer("hi")]);
  await using client = messagesClient(mock, { cache: "off" });
  await client.ask({ streaming: true }, { messages: [system, user("hi")], tools: loopTools });
  expect(mock.requests[0]?.text).not.toContain("cache_control");
});

test("without a system prompt the last tool is marked, and never one that is found late", async () => {
  await using mock = await startAnthropic([answer("hi")]);
  await using client = messagesClient(mock);
  const messages: Message[] = [
    user("hi"),
    { role: "assistant", content: "", toolCalls: [{ id: "c", name: "host__find_tools", arguments: "{}" }] },
    { role: "tool", toolCallId: "c", content: [], isError: false, found: ["late"] },
  ];
  const tools = [...loopTools, { name: "late", description: "", inputSchema: { type: "object" } }];
  await client.ask({ streaming: true }, { messages, tools });
  const sent = mock.requests[0]?.body.tools as object[];
  expect(sent.map((tool) => "cache_control" in tool)).toEqual([true, false]);
});

test("tools found late stand where they were found: what came before is read from the cache, also after a restart", async () => {
  const found = Array.from({ length: 6 }, (_, n) => `far__tool_${n}`);
  const define = (name: string) => ({ name, description: `Tool ${name}`, inputSchema: { type: "object" } });
  await using mock = await startAnthropic([
    ...loop(6, (n) => answer(thinks(`t${n}`), calls("calc__add", { n })), answer(calls("calc__add", { n: 6 }))),
    ...loop(6, (n) => answer(thinks(`u${n}`), calls(found[n] ?? "", { n })), answer("done")),
  ]);
  const messages: Message[] = [system, user("go ".repeat(4000))];
  const known = new Set<string>();
  for (let hop = 0; hop < 14; hop++) {
    // A new client for each hop: another host makes the same bytes.
    await using client = messagesClient(mock, { model: "claude-opus-5-5" });
    const tools: CompletionRequest["tools"] = [...loopTools, ...[...known].map(define)];
    const { message } = await client.ask({ streaming: true }, { messages: [...messages], tools });
    messages.push(message);
    for (const { id } of message.toolCalls) {
      const names = hop === 6 ? found.slice(0, 3) : hop === 8 ? found : undefined;
      for (const name of names ?? []) known.add(name);
      messages.push({
        role: "tool",
        toolCallId: id,
        content: [{ type: "text", text: result() }],
        isError: false,
        ...(names && { found: names }),
      });
    }
  }
  expect(mock.refusals).toEqual([]);
  const { readShare, writtenTwice } = mock.bill(bill);
  expect(readShare).toBeGreaterThanOrEqual(0.95);
  expect(writtenTwice).toEqual([]);
  const references = mock.requests.at(-1)?.text.match(/"tool_reference"/g);
  expect(references).toHaveLength(6);
});

test("at the limit of hops tools are forbidden and not taken away", async () => {
  await using mock = await startAnthropic([answer(calls("calc__add")), answer("done")]);
  await using client = messagesClient(mock);
  const messages: Message[] = [system, user("go")];
  const { message } = await client.ask({ streaming: true }, { messages, tools: loopTools });
  messages.push(message, { role: "tool", toolCallId: message.toolCalls[0]?.id ?? "", content: [], isError: false });
  await client.ask({ streaming: true }, { messages, tools: loopTools, toolChoice: "none" });
  expect(mock.requests[1]?.body).toMatchObject({ tool_choice: { type: "none" }, tools: [{ name: "calc__add" }] });
  expect(mock.hops[1]?.warnings).toEqual([]);
});
