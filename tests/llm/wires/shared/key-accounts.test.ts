import { describe, expect, test } from "@jest/globals";
import type { CompletionRequest, Message } from "../../../../src/core/messages.js";
import { llmConfig } from "../../../support/llm-config.js";
import {
  answer,
  calls,
  failing,
  type Script,
  type StrictMock,
  startAnthropic,
  startGemini,
  startOpenAi,
  thinks,
} from "../../../support/strict/index.js";
import { clientWith } from "../../client-of.js";
import { resultsOf, user } from "../messages/loop.js";

const accountOfKey = { "key-number-one": "account a", "key-number-two": "account b" };
const tools: CompletionRequest["tools"] = [
  { name: "read", description: "Reads", inputSchema: { type: "object", properties: {} } },
];

/** Models whose reasoning is bound to the account that it was made for, and the vendor's refusal for another account. */
const wires = [
  { wire: "responses", model: "gpt-5.6-sol", start: startOpenAi, refusal: /organization_id did not match/ },
  { wire: "messages", model: "claude-sonnet-5-5", start: startAnthropic, refusal: /Invalid `signature`/ },
  { wire: "gemini", model: "gemini-3.5-pro", start: startGemini, refusal: /Corrupted thought signature/ },
] as const;

const hop = (n: number) => answer(thinks(`t${n}`), calls("read", { n }));

/** Returns the accounts that answered a loop of this many requests. */
async function loop(
  { wire, model, start }: (typeof wires)[number],
  script: Script,
  check: (mock: StrictMock, warnings: string[]) => void,
  conversation?: string,
) {
  await using mock = await start(script, { keys: accountOfKey });
  const keys = { apiKey: undefined, apiKeys: Object.keys(accountOfKey) };
  await using client = clientWith(llmConfig(mock.url, {}, { wire, model, reasoning: { effort: "high" }, ...keys }));
  const messages: Message[] = [user("go")];
  do {
    const { message } = await client.ask({ streaming: true }, { messages: [...messages], tools, conversation });
    messages.push(message, ...resultsOf(message, (text) => text));
  } while (messages.at(-1)?.role === "tool");
  expect(messages.at(-1)).toMatchObject({ content: "done" });
  check(
    mock,
    client.observed.filter(({ level }) => level === "warn").map(({ message }) => message),
  );
}

describe.each(wires)("keys of two accounts over $wire", (wire) => {
  const accounts = ({ hops }: StrictMock) => hops.map(({ account }) => account);
  const lost = ({ hops }: StrictMock) => hops.flatMap(({ lostReasoning }) => lostReasoning);

  test("a conversation stays with its account, which gets all reasoning back", async () => {
    await loop(
      wire,
      [hop(0), hop(1), hop(2), answer("done")],
      (mock, warnings) => {
        expect(new Set(accounts(mock)).size).toBe(1);
        expect([...mock.refusals, ...lost(mock), ...warnings]).toEqual([]);
      },
      "c1",
    );
  });

  test("where the other account has to take over, it gets the conversation without the reasoning, once", async () => {
    await loop(
      wire,
      [hop(0), hop(1), failing("quota"), hop(2), hop(3), answer("done")],
      (mock, warnings) => {
        const [first, second] = new Set(accounts(mock));
        expect(accounts(mock)).toEqual([first, first, second, second, second]);
        expect(mock.refusals.map(({ message }) => message)).toEqual([expect.stringMatching(wire.refusal)]);
        expect(warnings.filter((warning) => /reasoning|thinking|signatures/.test(warning))).toHaveLength(1);
      },
      "c1",
    );
  });

  test("without a conversation the keys are used in turn, and each refusal costs one request", async () => {
    await loop(wire, [hop(0), hop(1), hop(2), answer("done")], (mock) => {
      expect(mock.refusals.map(({ message }) => message)).toEqual(Array(3).fill(expect.stringMatching(wire.refusal)));
    });
  });
});
