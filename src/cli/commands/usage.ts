/** `mcp-platform usage`: reads only the event log. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../../core/text/durations.js";
import { type UsageKey, usageKeys } from "../../session/conversations/usage-report.js";
import type { GlobalOptions } from "../shared/configuration.js";
import { loadConfirmed } from "../shared/confirmed.js";
import { print, printInert } from "../shared/process.js";

interface UsageFlags {
  by: UsageKey;
  since: number;
  until: number;
  format: "table" | "json" | "csv";
}

export function addUsageCommand(program: Command): void {
  program
    .command("usage")
    .description("tokens, cost and tool time, from the event log")
    .addOption(new Option("--by <key>", "a line for each").choices([...usageKeys]).default("day"))
    .addOption(
      new Option("--since <time>", "a day as 2026-11-25, or a time ago as 7d or 12h")
        .argParser(moment)
        .default(daysAgo(30), "30d"),
    )
    .addOption(
      new Option("--until <time>", "the first moment that does not count").argParser(moment).default(Date.now(), "now"),
    )
    .addOption(new Option("--format <format>", "of the output").choices(["table", "json", "csv"]).default("table"))
    .action(async ({ by, since, until, format }: UsageFlags) => {
      const { readUsage } = await import("../../host/log-only.js");
      const { config } = await loadConfirmed(program.opts<GlobalOptions>());
      const period = { since, until };
      const texts = await import("../../session/commands/usage-text.js");
      const report = await readUsage(config, by, period);
      if (format === "json") print(texts.usageJson(report));
      else if (format === "csv") print(texts.usageCsv(report));
      else await printInert(texts.usageText(report));
    });
}

/** Parses a day or a duration. Returns the local midnight at which the day begins, or now minus the duration, in ms since the epoch. */
function moment(text: string): number {
  const agoMs = parseDuration(text);
  if (agoMs !== undefined) return Date.now() - agoMs;
  const [, year = 0, month = 0, day = 0] = (/^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? []).map(Number);
  const date = new Date(year, month - 1, day);
  if (year > 0 && date.getMonth() === month - 1 && date.getDate() === day) return date.getTime();
  throw new InvalidArgumentError("a day like 2026-11-25 or a duration like 7d is expected");
}

function daysAgo(days: number): number {
  return new Date().setHours(0, 0, 0, 0) - days * 24 * 3_600_000;
}
