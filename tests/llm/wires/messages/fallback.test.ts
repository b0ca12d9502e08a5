import { expect, test } from "@jest/globals";
import type { CompletionRequest, Message } from "../../../../src/core/chat.js";
import { HTTP } from "../../../support/llm-config.js";
import { answer, calls, failing, says, startAnthropic, startOpenAi, thinks } from "../../../support/strict/index.js";
import { clientWith } from "../../client-of.js";
import { resultsOf, SYSTEM, TOOLS, user } from "./loop.js";

/** Each hop is answered by the vendor that is not down: what one of them signed never reaches the other, and finds back to it. */
test.each([
  ["claude", "gpt"],
  ["gpt", "claude"],
])("%s, with %s in its place in the middle of a loop, and back", async (first, second) => {
  const hop = (n: number) => answer(thinks(`t${n}`), says(`w${n}`), calls("calc__add", { n }));
  const steps = [hop(0), failing("overloaded"), hop(2), answer(thinks("so"), "done")];
  const beside = [hop(1)];
  await using anthropic = await startAnthropic(first === "claude" ? steps : beside);
  await using openai = await startOpenAi(first === "gpt" ? steps : beside);
  const apiKey = "sk-test-0123456789";
  await using client = clientWith({
    active: first,
    fallback: [second],
    streamRecovery: "auto",
    http: { ...HTTP, maxRetries: 0 },
    providers: {
      claude: { baseUrl: anthropic.url, wire: "messages", model: "claude-opus-5-5", apiKey },
      gpt: { baseUrl: openai.url, wire: "chat", model: "gpt-4.1", apiKey },
    },
  });
  const messages: Message[] = [SYSTEM, user("go")];
  const tools: CompletionRequest["tools"] = TOOLS;
  const providers: string[] = [];
  for (let n = 0; n < 4; n++) {
    const { message, provider } = await client.ask({ streaming: true }, { messages: [...messages], tools });
    providers.push(provider);
    messages.push(message, ...resultsOf(message, (text) => text));
  }
  expect(providers).toEqual([first, second, first, first]);
  expect([...anthropic.refusals, ...openai.refusals]).toEqual([]);
  for (const { text } of openai.requests) expect(text).not.toMatch(/thinking|signature|cache_control|tool_use/);
  expect(anthropic.hops.flatMap(({ lostReasoning }) => lostReasoning)).toEqual([]);
});
