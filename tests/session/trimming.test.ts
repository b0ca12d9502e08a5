import { expect, test } from "@jest/globals";
import { collect, isStored, shape } from "../support/app.js";
import { answer, failure, type LlmRequest, startLlmServer } from "../support/llm-server.js";
import { Desk } from "./desk.js";
import { type Counting, isContinued, isSummary, longConversation } from "./long-conversation.js";

const window = 4_000;
const requests = 60;

test.each<[string, Counting]>([
  ["a model that counts as it is estimated", () => 0.25],
  ["counts that change a little from turn to turn", (turn) => 0.25 + 0.01 * Math.sin(turn)],
])("turns that have no room are left out half a window at a time: %s", async (_, tokensPerByte) => {
  const talk = await longConversation({ window, requests, compaction: "off", tokensPerByte });
  expect(talk.summaries).toBe(0);
  expect(talk.breaks).toBeGreaterThan(2);
  expect(talk.breaks).toBeLessThanOrEqual(talk.newTokens / (window / 2));
  expect(talk.largest).toBeLessThan(window);
  expect(talk.last).toBeGreaterThan(window / 8);
});

test("a summary that fails is asked for again when the room is full again", async () => {
  const talk = await longConversation({ window, requests, compaction: "failing", tokensPerByte: () => 0.25 });
  expect(talk.summaries).toBe(talk.breaks);
  expect(talk.breaks).toBeLessThanOrEqual(talk.newTokens / (window / 2));
});

test("the log has the turns that are left out: another host and a copy leave out the same, and a summary covers them", async () => {
  await using desk = await Desk.open();
  let isSummaryGiven = false;
  const said = "so it was said ".repeat(20);
  const script = (request: LlmRequest) =>
    isSummary(request) ? (isSummaryGiven ? answer("all of it") : failure(400)) : answer(said);
  await using llm = await startLlmServer(script);
  const providers = { test: { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789", context_window: 1_500 } };
  const host = () => desk.host(llm, { approval: "auto" }, { active: "test", http: { max_retries: 0 }, providers });
  const first = await host();
  const trimmed = [];
  for (let turn = 1; trimmed.length === 0; turn++) {
    const events = await collect(first.sessions.open("c").prompt({ requestId: `r${turn}`, text: `question ${turn}` }));
    trimmed.push(...events.filter(({ type }) => type === "trim"));
    expect(shape(events).at(-1)).toBe("turn_end");
  }
  const before = llm.requests.at(-1) as LlmRequest;
  expect(before.text).not.toContain(`question 1"`);
  const second = await host();
  await second.sessions.conversations.fork("c", { to: "copy" });
  for (const id of ["c", "copy"]) {
    await collect(second.sessions.open(id).prompt({ requestId: "next", text: "the next one" }));
    expect(isContinued(before, llm.requests.at(-1) as LlmRequest)).toBe(true);
  }
  isSummaryGiven = true;
  const session = second.sessions.open("c");
  session.compactNext();
  const events = await collect(session.prompt({ requestId: "sum", text: "and now" }));
  expect(events.filter(isStored).map(({ type }) => type)).toContain("compaction");
  expect(
    llm.requests.find((request) => isSummary(request) && request.text.includes("user: question 1\\n")),
  ).toBeDefined();
});
