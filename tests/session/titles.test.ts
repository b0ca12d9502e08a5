import { describe, expect, test } from "@jest/globals";
import { collect, startApp } from "../support/app.js";
import { answer, type LlmRequest, type Step, startLlmServer } from "../support/llm-server.js";
import { Desk } from "./desk.js";

const isAboutTitle = ({ text }: LlmRequest) => text.includes("You name conversations");
const usage = { prompt_tokens: 100, completion_tokens: 10 };
const prices = { "test/m1": { input: 1, output: 1 } };

/** A provider that answers, and makes the title. */
async function provider(title: Step | string = "A weekend in Rome") {
  const asked: LlmRequest[] = [];
  const llm = await startLlmServer((request) => {
    if (!isAboutTitle(request)) return answer("Take the night train.", { usage });
    asked.push(request);
    return typeof title === "string" ? answer(title, { usage }) : title;
  });
  return { llm, asked, [Symbol.asyncDispose]: () => llm[Symbol.asyncDispose]() };
}

type Host = Awaited<ReturnType<typeof startApp>>;

const say = ({ sessions }: Host, requestId: string, options: object = {}, conversation = "c") =>
  collect(
    sessions
      .open(conversation)
      .prompt({ requestId, text: `How do I get to Rome? ${requestId}`, isTitled: true, ...options }),
  );

const entryOf = ({ sessions }: Host, id = "c") => sessions.conversations.entry(id);

/** Resolves with the title once it is another one than the first words. */
async function titleMade(host: Host, id = "c"): Promise<string> {
  const end = new AbortController();
  for await (const change of host.sessions.watchList(end.signal)) {
    if (!("entry" in change) || change.entry.conversationId !== id || change.entry.title.startsWith("How do I"))
      continue;
    end.abort();
    return change.entry.title;
  }
  throw new Error("no title was made");
}

/** Starts a host whose conversations get titles by the model. */
async function hostOf(desk: Desk, llm: { url: string }, chat: object = {}, more: object = {}): Promise<Host> {
  const providers = { test: { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789" } };
  return startApp({
    llm: llm.url,
    storage: desk.storage,
    config: {
      llm: { active: "test", providers, prices, http: { max_retries: 0, initial_retry_delay: 0.001 } },
      chat: { service: { approval: "auto" }, titles: "model", storage: desk.storage, ...chat },
    },
    ...more,
  });
}

describe("a title by the model", () => {
  test("is made after the first answer, from its message and the answer, once", async () => {
    await using desk = await Desk.open();
    await using mock = await provider();
    await using host = await hostOf(desk, mock.llm);
    const events = await say(host, "r1");
    expect(events.at(-1)).toMatchObject({ type: "turn_end" });
    expect(await titleMade(host)).toBe("A weekend in Rome");
    await say(host, "r2");
    await host.close();
    await using again = await hostOf(desk, mock.llm);
    await say(again, "r3");
    await again.close();
    expect(mock.asked).toHaveLength(1);
    const [request] = mock.asked;
    expect(request?.text).toContain("user: How do I get to Rome? r1");
    expect(request?.text).toContain("assistant: Take the night train.");
    expect(request?.body).toMatchObject({ model: "m1" });
    expect(request?.body).not.toHaveProperty("tools");
  });

  test("counts for the conversation, the usage and the day, and keeps its place in lists", async () => {
    await using desk = await Desk.open();
    await using mock = await provider();
    await using host = await hostOf(desk, mock.llm);
    await say(host, "r1");
    const made = titleMade(host);
    await say(host, "other", { isTitled: false }, "later");
    await made;
    const { conversations } = await host.sessions.list({ most: 10 });
    expect(conversations.map(({ conversationId }) => conversationId)).toEqual(["later", "c"]);
    const log = await host.sessions.history("c");
    expect(log.find(({ type }) => type === "title")).toMatchObject({
      title: "A weekend in Rome",
      provider: "test",
      model: "m1",
      spent: { tokens: 110 },
    });
    const { usage: counters } = host.sessions.conversations;
    const { conversations: used } = await counters.conversations({ since: 0, until: 4e15 }, 10);
    expect(used.find(({ conversationId }) => conversationId === "c")).toMatchObject({ requests: 2, inputTokens: 200 });
  });

  test("does not reach the model, and stays after a rewind", async () => {
    await using desk = await Desk.open();
    await using mock = await provider();
    await using host = await hostOf(desk, mock.llm);
    await say(host, "r1");
    await titleMade(host);
    const before = mock.llm.requests.length;
    await say(host, "r2");
    const roles = mock.llm.requests[before]?.body.messages?.map(({ role }) => role);
    expect(roles).toEqual(["system", "user", "assistant", "user"]);
    await host.sessions.conversations.rewind("c", { turns: 1 });
    expect(await entryOf(host)).toMatchObject({ title: "A weekend in Rome", turns: 1 });
  });

  test("is a short line without marks and without characters that change how a line looks", async () => {
    await using desk = await Desk.open();
    await using mock = await provider('\n**Title: "Rome\u001b[31m by \u202etrain"**\nand more');
    await using host = await hostOf(desk, mock.llm);
    await say(host, "r1");
    expect(await titleMade(host)).toBe("Rome by train");
  });

  test("is cut if it is long", async () => {
    await using desk = await Desk.open();
    await using mock = await provider("word ".repeat(100));
    await using host = await hostOf(desk, mock.llm);
    await say(host, "r1");
    const title = await titleMade(host);
    expect(title).toMatch(/^word( word)+…$/);
    expect([...title].length).toBeLessThanOrEqual(60);
  });

  test("never replaces a title that was set by hand, which costs nothing then", async () => {
    await using desk = await Desk.open();
    await using mock = await provider();
    await using host = await hostOf(desk, mock.llm);
    await say(host, "r0", { isTitled: false });
    await host.sessions.conversations.label("c", { title: "Mine" });
    await say(host, "r1");
    await host.close();
    expect(mock.asked).toHaveLength(0);
  });

  test("comes from another model if one is named", async () => {
    await using desk = await Desk.open();
    await using mock = await provider();
    await using host = await hostOf(desk, mock.llm, { title_model: "test/small" });
    await say(host, "r1");
    await titleMade(host);
    expect(mock.asked[0]?.body).toMatchObject({ model: "small" });
  });

  test.each([
    ["the conversation may spend no more tokens", { limits: { conversation: { tokens: 200 } } }],
    ["the day may cost no more", { limits: { day: { usd: 0.0003 } } }],
    ["a price is unknown where dollars are limited", { limits: { turn: { usd: 1 } }, title_model: "test/small" }],
    ["titles are the first words", { titles: "first-words" }],
    ["there are no titles", { titles: "off" }],
  ])("is not asked for if %s", async (_, chat) => {
    await using desk = await Desk.open();
    await using mock = await provider();
    await using host = await hostOf(desk, mock.llm, chat);
    const events = await say(host, "r1");
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
    await host.close();
    expect(mock.asked).toHaveLength(0);
  });

  test("is not asked for by front doors of programs", async () => {
    await using desk = await Desk.open();
    await using mock = await provider();
    await using host = await hostOf(desk, mock.llm);
    await say(host, "r1", { isTitled: undefined });
    await host.close();
    expect(mock.asked).toHaveLength(0);
  });

  test("leaves the first words if the request fails, and is not asked for again", async () => {
    await using desk = await Desk.open();
    await using mock = await provider((response) => response.destroy());
    await using host = await hostOf(desk, mock.llm);
    await say(host, "r1");
    await host.close();
    await using again = await hostOf(desk, mock.llm);
    await say(again, "r2");
    await again.close();
    await using last = await hostOf(desk, mock.llm);
    expect(mock.asked).toHaveLength(1);
    expect(await entryOf(last)).toMatchObject({ title: "How do I get to Rome? r1" });
  });

  test("delays neither the next turn nor, by more than a moment, the end of the host", async () => {
    await using desk = await Desk.open();
    await using mock = await provider(() => {});
    await using host = await hostOf(desk, mock.llm);
    await say(host, "r1");
    expect((await say(host, "r2")).at(-1)).toMatchObject({ type: "turn_end" });
    const begun = performance.now();
    await host.close();
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  test("is asked for by one of two hosts", async () => {
    await using desk = await Desk.open();
    await using mock = await provider();
    await using one = await hostOf(desk, mock.llm);
    await using other = await hostOf(desk, mock.llm);
    await Promise.all([say(one, "r1"), say(other, "r2")]);
    await titleMade(other);
    await Promise.all([one.close(), other.close()]);
    expect(mock.asked).toHaveLength(1);
  });
});

test("without titles, lists show only those that were set by hand", async () => {
  await using desk = await Desk.open();
  await using mock = await provider();
  await using host = await hostOf(desk, mock.llm, { titles: "off" });
  await say(host, "r1");
  expect(await entryOf(host)).toMatchObject({ title: "" });
  await host.sessions.conversations.label("c", { title: "Mine" });
  const { conversations } = await host.sessions.list({ most: 1 });
  expect(conversations).toMatchObject([{ title: "Mine" }]);
});
