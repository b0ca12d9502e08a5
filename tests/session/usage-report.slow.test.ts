import { expect, test } from "@jest/globals";
import type { UsageCounters } from "../../src/core/usage-store.js";
import { usageText } from "../../src/session/commands/usage-text.js";
import { usageReport } from "../../src/session/conversations/usage-report.js";

test("a table may have more lines than a call can have arguments", async () => {
  const conversations = Array.from({ length: 150_000 }, (_, at) => ({
    ...{ conversationId: `c${at}`, requests: 1, inputTokens: 1000 },
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
  const usage = {
    conversations: async () => ({ conversations, all: conversations.length }),
    models: async () => [],
  } as Partial<UsageCounters> as UsageCounters;
  const text = usageText(await usageReport(usage, "conversation", { since: 0, until: 2 }));
  expect(text.match(/\n/g)).toHaveLength(150_002);
});
