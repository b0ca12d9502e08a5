/** Usage that summaries of older turns count against limits. */
import { expect, test } from "@jest/globals";
import { answersBilled } from "../../src/core/token-usage.js";
import { DaySpent } from "../../src/session/shared/day-spent.js";
import { budgetFor } from "../../src/session/shared/turn-limits.js";
import { collect, startApp } from "../support/app.js";
import { answer, type LlmRequest, type Step, startLlmServer } from "../support/llm-server.js";

const isSummary = ({ text }: LlmRequest) => text.includes("You condense a conversation");
const usage = { prompt_tokens: 100, completion_tokens: 10 };

/** Runs three turns. The last one begins with a summary, or with a failed attempt to make one. */
async function conversation(summary: Step, { limits = {}, model }: { limits?: object; model?: string }) {
  let summaries = 0;
  await using llm = await startLlmServer((request) => {
    if (!isSummary(request)) return answer("so it was said ".repeat(50), { usage });
    summaries++;
    return summary;
  });
  const providers = { test: { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789" } };
  const prices = { "test/m1": { input: 1, output: 1 } };
  const config = { llm: { active: "test", providers, prices, http: { max_retries: 0 } }, chat: { limits } };
  await using app = await startApp({ llm: llm.url, config });
  const session = app.sessions.open("c");
  const ask = (requestId: string, more = {}) =>
    collect(session.prompt({ requestId, text: "and then? ".repeat(50), unattended: true, ...more }));
  await ask("r1");
  await ask("r2");
  session.compactNext();
  const events = await ask("r3", { model });
  return { summaries, events, log: await app.sessions.history("c") };
}

test("a summary counts against the limits of its turn and conversation", async () => {
  const { log, events } = await conversation(answer("short", { usage }), {});
  expect(events.map(({ type }) => type)).toContain("compaction");
  const daySpent = new DaySpent({ spent: () => Promise.reject(new Error("not asked")) }, Date.now);
  const limits = { turn: {}, conversation: { tokens: 440 }, day: {} };
  const budget = budgetFor({
    turnId: "next",
    log: { events: log },
    settings: { defaults: { limits } },
    parts: { daySpent, granted: new Map() },
  });
  expect(budget.reached({ tokens: 0 })).toMatchObject({ limit: "tokens", used: 440 });
});

test("an empty summary is paid for, but left out of the conversation", async () => {
  const { log, events } = await conversation(answer(" ", { usage }), {});
  expect(events.at(-1)).toMatchObject({ type: "turn_end" });
  const [wordless] = log.flatMap((event) => (event.type === "assistant_message" && event.interrupted ? [event] : []));
  expect(wordless).toMatchObject({ message: { content: "" }, spent: { tokens: 110 } });
  expect(wordless && answersBilled(wordless)).toMatchObject([{ usage: { inputTokens: 100, outputTokens: 10 } }]);
});

test.each([
  ["where a limit is reached", { limits: { conversation: { tokens: 440 } } }],
  ["where dollars are limited and the price is not known", { limits: { day: { usd: 1 } }, model: "test/m2" }],
])("no summary is asked for %s", async (_, setting) => {
  const { summaries } = await conversation(answer("short", { usage }), setting);
  expect(summaries).toBe(0);
});
