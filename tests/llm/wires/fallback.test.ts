import { expect, test } from "@jest/globals";
import type { ProviderConfig } from "../../../src/core/config.js";
import type { CompletionRequest, Message } from "../../../src/core/messages.js";
import { httpConfig } from "../../support/llm-config.js";
import {
  answer,
  calls,
  failing,
  says,
  startAnthropic,
  startGemini,
  startOpenAi,
  thinks,
} from "../../support/strict/index.js";
import { clientWith } from "../client-of.js";
import { loopTools, resultsOf, system, user } from "./messages/loop.js";

interface Vendor {
  start: typeof startOpenAi;
  provider: ProviderConfig;
  /** Matches the part of its answers that no other vendor may get. */
  foreign: RegExp;
}

const vendors: Record<string, Vendor> = {
  responses: {
    start: startOpenAi,
    provider: { wire: "responses", model: "gpt-5.6-sol", reasoning: { effort: "high", summary: "auto" } },
    foreign: /gAAAAAB|"(rs|fc|msg)_|phase/,
  },
  messages: { start: startAnthropic, provider: { wire: "messages", model: "claude-opus-5-5" }, foreign: /EqQBCgIY/ },
  "messages, thinking by a budget": {
    start: startAnthropic,
    provider: { wire: "messages", model: "claude-haiku-4-5", reasoning: { effort: "high" } },
    foreign: /EqQBCgIY/,
  },
  gemini: { start: startGemini, provider: { wire: "gemini", model: "gemini-3.5-pro" }, foreign: /CiQB/ },
  chat: { start: startOpenAi, provider: { wire: "chat", model: "gpt-4.1" }, foreign: /no such thing/ },
};
const pairs = Object.entries(vendors).flatMap(
  ([
    first,
    {
      provider: { wire },
    },
  ]) => Object.entries(vendors).flatMap(([second, { provider }]) => (provider.wire === wire ? [] : [[first, second]])),
);

/** The second vendor answers two hops, so that it must get its own reasoning back while the first vendor is still down. */
test.each(pairs)("%s, with %s in its place in the middle of a loop, and back", async (first = "", second = "") => {
  const hop = (n: number) =>
    answer(thinks(`thought ${n}`), says(`word ${n}`), calls("calc__add", { n }), calls("calc__add", { n, b: 1 }));
  const down = failing("overloaded");
  const end = (text: string) => answer(thinks("thought last"), text);
  const [one, other] = [vendors[first] as Vendor, vendors[second] as Vendor];
  await using mine = await one.start([hop(0), down, down, hop(3), end("done"), down, end("again")]);
  await using beside = await other.start([hop(1), hop(2), end("by the other")]);
  const apiKey = "sk-test-0123456789";
  await using client = clientWith({
    active: "mine",
    fallback: ["beside"],
    streamRecovery: "auto",
    http: { ...httpConfig, maxRetries: 0 },
    providers: {
      mine: { baseUrl: mine.url, apiKey, ...one.provider },
      beside: { baseUrl: beside.url, apiKey, ...other.provider },
    },
  });
  const messages: Message[] = [system, user("go")];
  const tools: CompletionRequest["tools"] = loopTools;
  const providers: string[] = [];
  for (let n = 0; n < 7; n++) {
    const { message, provider } = await client.ask({ streaming: n % 2 === 0 }, { messages: [...messages], tools });
    providers.push(provider);
    messages.push(message, ...resultsOf(message, (text) => `result of ${text}`));
    if (message.toolCalls.length === 0) messages.push(user("and now?"));
  }
  expect(providers).toEqual(["mine", "beside", "beside", "mine", "mine", "beside", "mine"]);
  expect([...mine.refusals, ...beside.refusals].map(String)).toEqual([]);
  expect(
    [...mine.hops, ...beside.hops].flatMap(({ lostReasoning, warnings }) => [...lostReasoning, ...warnings]),
  ).toEqual([]);
  for (const [mock, foreign] of [
    [mine, other.foreign],
    [beside, one.foreign],
  ] as const)
    for (const { text } of mock.requests) expect(text).not.toMatch(foreign);
  // Every vendor gets text, calls and results; none gets thoughts as text.
  for (const { requests } of [mine, beside]) {
    const { text = "" } = requests.at(-1) ?? {};
    for (const n of [0, 1, 2, 3]) {
      expect(text).toContain(`word ${n}`);
      expect(text.match(new RegExp(`result of \\{\\\\*"n\\\\*":${n}`, "g"))).toHaveLength(2);
    }
  }
});
