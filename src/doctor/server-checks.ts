import type { ConfiguredServer } from "../core/config.js";
import { addAll } from "../core/lists/long-lists.js";
import type { ToolDefinition } from "../core/messages.js";
import { Logins } from "../mcp/auth/logins.js";
import { hasFailed, ok, warn } from "./finding.js";
import type { Section } from "./section.js";
import { type CheckParts, checkServer, type ServerCheck } from "./server-check.js";

export interface ServersParts extends Omit<CheckParts, "unset" | "auth"> {
  authFolder: string;
  unsetOf(server: string): readonly string[];
}

/** Tests all servers that are not disabled. Rejects only with the signal's reason. */
export async function serverSections(servers: readonly ConfiguredServer[], parts: ServersParts): Promise<Section[]> {
  // `allSettled`, not `all`: every server must be closed before this function rejects.
  const settled = await Promise.allSettled(servers.map((server) => serverSection(server, parts)));
  return settled.map((section) => {
    if (section.status === "rejected") throw section.reason;
    return section.value;
  });
}

/** Returns those tools of the servers that a turn offers to the model. */
export function toolsOfServers(sections: readonly Section[]): ToolDefinition[] {
  return sections.flatMap(({ findings, server }) =>
    server && !hasFailed(findings) ? server.tools.filter((tool) => tool.isOffered).map((tool) => tool.definition) : [],
  );
}

async function serverSection(
  config: ConfiguredServer,
  { authFolder, unsetOf, ...parts }: ServersParts,
): Promise<Section> {
  const section = { name: `server ${config.name}`, kind: "required_server_down" };
  if (!config.enabled && !config.refusal) {
    return { ...section, findings: [ok("enabled", "it is disabled, so it was not tried and no host starts it")] };
  }
  const check = await checkServer(config, { ...parts, auth: { folder: authFolder }, unset: unsetOf(config.name) });
  if (!hasFailed(check.findings))
    addAll(check.findings, [...slowness(config, check), ...(await login(config, authFolder))]);
  return { ...section, findings: check.findings, server: check };
}

function slowness({ name, startupGraceMs, lazy }: ConfiguredServer, { timings }: ServerCheck) {
  const readyMs = (timings.initializeMs ?? 0) + (timings.listMs ?? 0);
  if (lazy || readyMs <= startupGraceMs) return [];
  const text = `ready after ${readyMs} ms, but the first turn waits only ${startupGraceMs} ms, so it has no tools of this server`;
  return [warn("slow", text, `raise mcpServers.${name}.startup_grace, or set lazy: true`)];
}

async function login(config: ConfiguredServer, folder: string) {
  if (config.transport === "stdio") return [];
  const [state = "", ...facts] = (await new Logins([config], { folder }).status(config.name)).split("\n  ");
  if (state.includes("not logged in")) return [];
  return [ok("login", [state.replace(`${config.name}: `, ""), ...facts].join(", "))];
}
