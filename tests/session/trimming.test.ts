import { expect, test } from "@jest/globals";
import { collect, startApp } from "../support/app.js";
import { answer, failure, type LlmRequest, type Step, startLlmServer } from "../support/llm-server.js";

const window = 4_000;
const turns = 60;
const words = "so it was said ".repeat(20);
const isSummary = ({ text }: LlmRequest) => text.includes("You condense a conversation");
const messages = ({ body }: LlmRequest) => JSON.stringify(body.messages).slice(0, -1);

/** Runs a conversation of 60 turns with a model of this window. `tokensPerByte` is the model's count. */
async function conversation(compaction: "auto" | "off", tokensPerByte: (turn: number) => number) {
  const requests: LlmRequest[] = [];
  const script = (request: LlmRequest): Step => {
    requests.push(request);
    if (isSummary(request)) return failure(400, { body: { error: { message: "no summaries here" } } });
    const usage = {
      prompt_tokens: Math.ceil(request.text.length * tokensPerByte(requests.length)),
      completion_tokens: 5,
    };
    return answer(words, { usage });
  };
  await using llm = await startLlmServer((request) => script(request));
  const provider = { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789", context_window: window };
  const config = {
    llm: { active: "test", http: { max_retries: 0 }, providers: { test: provider } },
    chat: { service: { approval: "auto", compaction } },
  };
  await using app = await startApp({ llm: llm.url, config });
  const session = app.sessions.open("c");
  for (let turn = 1; turn <= turns; turn++) {
    const text = `question ${turn} ${words}`;
    const events = await collect(session.prompt({ requestId: `r${turn}`, text, streaming: false }));
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  }
  const own = requests.filter((request) => !isSummary(request));
  const sizes = own.map(({ text }) => text.length / 4);
  return {
    /** Number of requests that do not begin with the messages of the request before. */
    breaks: own.slice(1).filter((request, at) => !messages(request).startsWith(messages(own[at] as LlmRequest))).length,
    summaries: requests.length - own.length,
    largest: Math.max(...sizes),
    last: Math.min(...sizes.slice(-20)),
  };
}

test.each([
  ["a model that counts as it is estimated", () => 0.25],
  ["counts that change a little from turn to turn", (turn: number) => 0.25 + 0.01 * Math.sin(turn)],
])("turns that have no room are left out half a window at a time: %s", async (_, tokensPerByte) => {
  const { breaks, summaries, largest, last } = await conversation("off", tokensPerByte);
  expect(summaries).toBe(0);
  // A turn has some 160 tokens, and half of the free window 1,500, so turns are left out at about every ninth turn.
  expect(breaks).toBeGreaterThan(2);
  expect(breaks).toBeLessThanOrEqual(10);
  expect(largest).toBeLessThan(window);
  expect(last).toBeGreaterThan(window / 4);
});

test("a summary that fails is asked for again after more and more turns", async () => {
  const { breaks, summaries } = await conversation("auto", () => 0.25);
  // Some 40 turns need a summary; it is tried again after 2, 4, 8 and 16 of them.
  expect(summaries).toBeGreaterThanOrEqual(3);
  expect(summaries).toBeLessThanOrEqual(5);
  expect(breaks).toBeLessThanOrEqual(10);
});
