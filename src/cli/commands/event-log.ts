/** `migrate`, `nodes` and `usage`: the commands that need only the event log. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Nodes } from "../../cluster/nodes.js";
import { RequestError } from "../../core/errors.js";
import { parseDuration } from "../../core/text/durations.js";
import { toVisibleJson } from "../../core/text/inert.js";
import { type UsageKey, usageKeys } from "../../session/conversations/usage-report.js";
import { columns } from "../../session/shared/command-text.js";
import type { GlobalOptions } from "../shared/configuration.js";
import { loadConfirmed } from "../shared/confirmed.js";
import { print, printInert } from "../shared/process.js";

export function addEventLogCommands(program: Command): void {
  addMigrateCommand(program);
  addNodeCommand(program);
  addUsageCommand(program);
  // Builds before the first release had this command.
  program.command("rebuild", { hidden: true }).action(() => {
    throw new RequestError("usage", "there is no command `rebuild` any more: a turn is counted when it ends", {
      hint: "see the counts with `mcp-platform usage`",
    });
  });
}

interface UsageFlags {
  by: UsageKey;
  since: number;
  until: number;
  format: "table" | "json" | "csv";
}

function addUsageCommand(program: Command): void {
  program
    .command("usage")
    .description("print tokens, cost and tool time from the event log")
    .addOption(new Option("--by <key>", "print one line for each").choices([...usageKeys]).default("day"))
    .addOption(
      new Option("--since <time>", "count from this time: a day such as 2026-11-25, or a time ago such as 7d or 12h")
        .argParser(moment)
        .default(daysAgo(30), "30d"),
    )
    .addOption(new Option("--until <time>", "count until this time").argParser(moment).default(Date.now(), "now"))
    .addOption(
      new Option("--format <format>", "format of the output").choices(["table", "json", "csv"]).default("table"),
    )
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

function addNodeCommand(program: Command): void {
  program
    .command("nodes")
    .description("list the hosts on this event log, with their processes and turns")
    .option("--json", "print JSON")
    .action(async ({ json }: { json?: boolean }) => {
      const { readNodes } = await import("../../host/log-only.js");
      const { config } = await loadConfirmed(program.opts<GlobalOptions>());
      const nodes = await readNodes(config);
      if (json) print(nodesJson(nodes));
      else await printInert(nodesText(nodes));
    });
}

function nodesText({ nodes, unclaimed }: Nodes): string {
  const rows = nodes.map(({ nodeId, machine, pid, version, silentMs, state, running, waiting }) => [
    nodeId,
    state,
    `seen ${(silentMs / 1000).toFixed(1)} s ago`,
    `process ${pid} on ${machine.split(" ")[0]}`,
    version ? `version ${version}` : "",
    `${running} running, ${waiting} waiting`,
  ]);
  const table = columns(rows, "no host runs on this event log");
  return unclaimed === 0
    ? table
    : `${table}\n${unclaimed} unfinished ${unclaimed === 1 ? "turn has" : "turns have"} no host`;
}

export function nodesJson({ nodes, unclaimed }: Nodes): string {
  const wire = nodes.map(({ nodeId, machine, pid, version = null, silentMs, state, running, waiting }) => ({
    node_id: nodeId,
    state,
    silent_ms: silentMs,
    machine,
    pid,
    version,
    turns: { running, waiting },
  }));
  return toVisibleJson({ nodes: wire, unclaimed_turns: unclaimed }, 2);
}

function addMigrateCommand(program: Command): void {
  program
    .command("migrate")
    .description("upgrade the event log to the schema of this version (a host does this when it starts)")
    .action(async () => {
      const { migrateLog } = await import("../../host/log-only.js");
      const { config } = await loadConfirmed(program.opts<GlobalOptions>());
      const { location, version } = await migrateLog(config);
      print(`${location}: schema ${version}`);
    });
}
