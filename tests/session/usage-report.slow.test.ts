import { expect, test } from "@jest/globals";
import { usageText } from "../../src/session/commands/usage-text.js";
import { usageReport } from "../../src/session/conversations/usage-report.js";

test("a table may have more lines than a call has arguments", () => {
  const models = Array.from({ length: 150_000 }, (_, at) => ({
    ...{ at: 1, conversationId: `c${at}`, provider: "openai", model: "gpt", requests: 1, inputTokens: 1000 },
    ...{
      outputTokens: 50,
      reasoningTokens: 10,
      cachedTokens: 600,
      cacheWriteTokens: 0,
      estimatedTokens: 0,
      usd: 0.5,
      unpriced: 0,
    },
  }));
  const text = usageText(usageReport({ models, tools: [] }, "conversation", { since: 0, until: 2 }));
  expect(text.match(/\n/g)).toHaveLength(150_002);
});
