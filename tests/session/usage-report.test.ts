import { describe, expect, test } from "@jest/globals";
import type { ModelUsage, Period, ToolUsage, UsageCounters } from "../../src/core/usage-store.js";
import { usageCsv, usageJson, usageText } from "../../src/session/commands/usage-text.js";
import { dayOf, usageReport as reportOf, type UsageKey } from "../../src/session/conversations/usage-report.js";

const noon = new Date(2026, 10, 24, 12).getTime();
const period = { since: new Date(2026, 10, 20).getTime(), until: new Date(2026, 10, 26).getTime() };

type Used = ModelUsage & { conversationId: string };

/** Returns counters that have these rows. */
function countersOf(models: readonly Used[], tools: readonly ToolUsage[]): UsageCounters {
  const within = <Row extends { at: number }>(rows: readonly Row[], periods: readonly Period[]) =>
    periods.flatMap(({ since, until }) =>
      rows.filter(({ at }) => at >= since && at < until).map((row) => ({ ...row, at: since })),
    );
  return {
    models: async (periods) => within(models, periods),
    tools: async (periods) => within(tools, periods),
    conversations: async (_, most) => ({
      conversations: models.filter(({ at }) => at === noon).slice(0, most),
      all: models.filter(({ at }) => at === noon).length,
    }),
    first: async () => (models.length > 0 ? Math.min(...models.map(({ at }) => at)) : undefined),
  };
}

const usageReport = (
  { models, tools }: { models: Used[]; tools: ToolUsage[] },
  by: UsageKey,
  of: Period,
  limit?: number,
) => reportOf(countersOf(models, tools), by, of, limit);

function used(more: Partial<Used>): Used {
  return {
    ...{ at: noon, conversationId: "c1", provider: "openai", model: "gpt", requests: 1, inputTokens: 1000 },
    ...{ outputTokens: 50, reasoningTokens: 10, cachedTokens: 600, cacheWriteTokens: 200, estimatedTokens: 0 },
    ...{ usd: 0.5, unpriced: 0, ...more },
  };
}

const models = [
  used({ at: noon + 24 * 3_600_000, usd: 0.25 }),
  used({}),
  used({
    model: "local",
    cachedTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
    usd: 0,
    unpriced: 1,
    conversationId: "c2",
    inputTokens: 0,
    outputTokens: 0,
    estimatedTokens: 80,
  }),
];
const call = { at: noon, calls: 2, errors: 1, durationMs: 3000, resultBytes: 4000 };
const tools = [
  { ...call, name: "files__read" },
  { ...call, name: "files__write", calls: 7, errors: 0, durationMs: 70 },
  { ...call, name: "=cmd", calls: 1 },
];

describe("the report of usage", () => {
  test("by day of the local calendar is in order, with unknown costs beside the dollars", async () => {
    expect(usageText(await usageReport({ models, tools }, "day", period)).split("\n")).toEqual([
      "2026-11-20 to 2026-11-25",
      "day         requests               input  cached  written  output  reasoning                 cost",
      `2026-11-24         2  1,000 (+ about 80)     600      200      50         10  $0.5000 + 1 unknown  ${"█".repeat(24)}`,
      `2026-11-25         1               1,000     600      200      50         10              $0.2500  ${"█".repeat(12)}`,
      "total              3  2,000 (+ about 80)   1,200      400     100         20  $0.7500 + 1 unknown",
    ]);
  });

  test("by model and by conversation has the most expensive first; an unknown cost is not 0", async () => {
    const byModel = await usageReport({ models, tools }, "model", period);
    expect(byModel.lines.map(({ key }) => key)).toEqual(["openai/gpt", "openai/local"]);
    expect(usageText(byModel)).toMatch(/openai\/local .* unknown$/m);
    expect((await usageReport({ models, tools }, "conversation", period)).lines.map(({ key }) => key)).toEqual([
      "c1",
      "c2",
    ]);
  });

  test("has bars of tokens if there is no price", async () => {
    const text = usageText(await usageReport({ models: [used({ usd: 0, unpriced: 1 })], tools }, "day", period));
    expect(text.split("\n")[2]).toMatch(/unknown {2}█{24}$/);
  });

  test("by tool and by server has the most called first", async () => {
    const text = usageText(await usageReport({ models, tools }, "tool", period));
    expect(text).toMatch(/files__write +7 +0 +70 ms +10 ms +about 1,000 +█{24}\nfiles__read +2 +1 +3.0 s +1.5 s/);
    expect((await usageReport({ models, tools }, "server", period)).lines).toMatchObject([
      { key: "files", calls: 9, errors: 1 },
      { key: "(host)", calls: 1 },
    ]);
  });

  test("has plain numbers in JSON, and no name that is a formula in CSV", async () => {
    const json = JSON.parse(usageJson(await usageReport({ models, tools }, "model", period)));
    expect(json).toMatchObject({
      by: "model",
      lines: [
        { key: "openai/gpt", requests: 2, input_tokens: 2000, cache_write_tokens: 400, usd: 0.75 },
        { unpriced_requests: 1 },
      ],
      total: { requests: 3, estimated_tokens: 80 },
    });
    expect(usageCsv(await usageReport({ models, tools }, "tool", period)).split("\r\n")).toEqual([
      "tool,calls,errors,duration_ms,result_bytes",
      "files__write,7,0,70,4000",
      "files__read,2,1,3000,4000",
      "'=cmd,1,1,3000,4000",
    ]);
  });

  test("sums up the lines beyond a limit as rest, the oldest days first", async () => {
    const byModel = await usageReport({ models, tools }, "model", period, 1);
    expect(byModel).toMatchObject({
      lines: [{ key: "openai/gpt", requests: 2 }],
      rest: { lines: 1, requests: 1, unpriced: 1, estimatedTokens: 80 },
      total: { requests: 3, usd: 0.75 },
    });
    expect(JSON.parse(usageJson(byModel)).rest).toMatchObject({ lines: 1, requests: 1, unpriced_requests: 1 });
    expect(await usageReport({ models, tools }, "day", period, 1)).toMatchObject({
      lines: [{ key: "2026-11-25", usd: 0.25 }],
      rest: { lines: 1, usd: 0.5 },
    });
    expect((await usageReport({ models, tools }, "tool", period, 2)).rest).toMatchObject({ lines: 1, calls: 1 });
    expect((await usageReport({ models, tools }, "tool", period, 3)).rest).toBeNull();
  });

  test("says so when it is empty", async () => {
    expect(usageText(await usageReport({ models: [], tools: [] }, "day", period))).toBe(
      "nothing was used from 2026-11-20 to 2026-11-25",
    );
  });

  test("ends a day at midnight, also in time zones that are not whole hours from UTC", async () => {
    expect(dayOf(new Date(2026, 0, 31, 23, 59).getTime())).toBe("2026-01-31");
  });
});
