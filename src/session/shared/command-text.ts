import type { HubTool, PromptInfo, ResourceInfo, ServerStatus } from "../../core/ports.js";
import { toVisibleJson } from "../../core/text/inert.js";

/**
 * This file formats the texts that the slash commands print. Text from servers and models is not escaped: the front door must make it safe
 * for its terminal or page.
 */

export function toolsText(tools: readonly HubTool[]): string {
  return columns(
    tools.map(({ server, tool, description }) => [`${server}.${tool}`, firstLine(description)]),
    "no server offers a tool",
  );
}

export function serversText(servers: readonly ServerStatus[]): string {
  return columns(
    servers.map(({ name, state, transport, tools, prompts, resources, startMs, latencyMs, version, era, reason }) => {
      const counts = [count(tools, "tool"), count(prompts, "prompt"), count(resources, "resource")].join(", ");
      const facts = [
        counts,
        startMs === undefined ? "" : `ready in ${startMs} ms`,
        latencyMs === undefined ? "" : `answers in ${latencyMs} ms`,
        version ? `version ${version}` : "",
        era ? `${era} protocol` : "",
      ];
      const isUp = (state === "ready" || state === "degraded") && startMs !== undefined;
      return [name, state, transport, [...(reason && !isUp ? [] : facts), reason].filter(Boolean).join(", ")];
    }),
    "no MCP server is configured",
  );
}

/** Formats the servers as a JSON list of objects. Unknown values are null. */
export function serversData(servers: readonly ServerStatus[]): string {
  const objects = servers.map(
    ({ startMs = null, latencyMs = null, version = null, era = null, reason = null, ...rest }) => ({
      ...rest,
      era,
      start_ms: startMs,
      latency_ms: latencyMs,
      version,
      reason,
    }),
  );
  return toVisibleJson(objects, 2);
}

export function trustText(server: string, changes: ReadonlyMap<string, string>): string {
  const lines = [...changes].map(([tool, change]) => `${server}.${tool} is trusted as it is now: ${change}`);
  return lines.join("\n") || `${server}: nothing has changed`;
}

export function promptsText(prompts: readonly PromptInfo[]): string {
  return columns(
    prompts.map(({ name, arguments: parameters, description }) => [
      [
        name,
        ...parameters.map((parameter) => (parameter.required ? `${parameter.name}=…` : `[${parameter.name}=…]`)),
      ].join(" "),
      firstLine(description),
    ]),
    "no server offers a prompt",
  );
}

export function resourcesText(resources: readonly ResourceInfo[]): string {
  return columns(
    resources.map(({ uri, name, description }) => [uri, firstLine(description || name)]),
    "no server offers a resource",
  );
}

export function columns(rows: readonly (readonly string[])[], empty: string): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return lines.join("\n") || empty;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

export function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}
