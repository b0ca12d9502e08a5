/** Tests an MCP server: finds its program, starts it, initializes, lists the tools and pings. Prints nothing. */

import { existsSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { redactUrls } from "../config/reading/redact-config.js";
import type { ConfiguredServer, StdioServerConfig } from "../core/config.js";
import { McpError, messageOf } from "../core/errors.js";
import { addAll } from "../core/lists/long-lists.js";
import { waitText } from "../core/text/durations.js";
import type { AuthOptions } from "../mcp/auth/authorization.js";
import { Callbacks } from "../mcp/callbacks/callbacks.js";
import { connectServer } from "../mcp/server/connect.js";
import type { McpConnection } from "../mcp/server/mcp-connection.js";
import { redactor } from "../mcp/shared/redact-secrets.js";
import { within } from "../mcp/shared/wait.js";
import { routeTo } from "../mcp/transports/open-route.js";
import { commandPath, installing } from "./command-path.js";
import { type Finding, fail, hasFailed, ok, warn } from "./finding.js";
import { listFindings, type ToolCost, toolCosts } from "./tool-findings.js";

export interface ServerCheck {
  server: string;
  /** Findings in the order of the checks. The checks end at the first `fail`. */
  findings: Finding[];
  timings: { initializeMs?: number; listMs?: number; pingMs?: number };
  era?: "legacy" | "modern";
  version?: string;
  tools: ToolCost[];
  /** The server's latest lines on stderr, without secrets. */
  stderr: string[];
}

export interface CheckParts {
  /** Settings for logins to remote servers. If undefined, a remote server gets only the headers from its configuration. */
  auth?: AuthOptions;
  /** Problems that are caused by unset environment variables in the server's configuration. */
  unset?: readonly string[];
  toolBudgetTokens: number;
  /**
   * Removes the secrets of the whole configuration from the server's texts. The secrets of this server's own entry are removed even without
   * this function.
   */
  clear(text: string): string;
  signal: AbortSignal;
}

const maxStderrChars = 8_000;
const maxStderrLines = 20;
const pingMs = 10_000;

/** Tests one server, and closes it in any case. Rejects only with the signal's reason. */
export async function checkServer(config: ConfiguredServer, parts: CheckParts): Promise<ServerCheck> {
  const check: ServerCheck = { server: config.name, findings: [], timings: {}, tools: [], stderr: [] };
  if (!beforeStart(config, parts, check)) return check;
  const redactOwn = redactor(config);
  const redact = (text: string) => parts.clear(redactOwn(text));
  let stderr = "";
  const notices = new Set<string>();
  const noticed = (text: string) => void notices.add(text);
  const events = { listsChanged() {}, resourceChanged() {}, noticed, logged() {} };
  const callbacks = new Callbacks(config, { sample: undefined, noticed });
  const hear = (text: string) => {
    stderr = (stderr + text).slice(-maxStderrChars);
  };
  let connection: McpConnection | undefined;
  try {
    await timed(config.startupTimeoutMs, parts.signal, async (signal) => {
      const startedAt = performance.now();
      connection = await connectServer(config, { callbacks, events }, signal, () => routeTo(config, parts.auth, hear));
      greeted(connection, performance.now() - startedAt, check);
      const askedAt = performance.now();
      const lists = await connection.lists(signal);
      check.timings.listMs = Math.round(performance.now() - askedAt);
      check.tools = toolCosts(config, lists.tools);
      addAll(check.findings, listFindings(config, lists, check.tools, parts.toolBudgetTokens));
    });
    if (connection) await ping(connection, parts.signal, check);
  } catch (error) {
    parts.signal.throwIfAborted();
    check.findings.push(failure(config, error, { isConnected: connection !== undefined, redact }));
  } finally {
    await connection?.close();
  }
  check.stderr = redact(stripVTControlCharacters(stderr))
    .split("\n")
    .filter((line) => line.trim())
    .slice(-maxStderrLines);
  for (const notice of notices) {
    if (!notice.startsWith("not a JSON line")) continue;
    const fix = "the server has to write its log to stderr, because stdout is for MCP";
    check.findings.push(warn("stdout", redact(notice), fix));
    break;
  }
  return check;
}

/** Runs the checks that can be made before the server is started. Returns false if the server should not be started. */
function beforeStart(config: ConfiguredServer, { unset = [] }: CheckParts, { findings }: ServerCheck): boolean {
  const { name, enabled, refusal } = config;
  if (refusal) findings.push(fail("confirmed", refusal, "read the servers in the file, then confirm it"));
  else if (!enabled) {
    findings.push(warn("enabled", "it is disabled, so no host starts it", `mcp-platform servers enable ${name}`));
  }
  addAll(
    findings,
    unset.map((text) => fail("variables", text, "set it where this program is started")),
  );
  if (hasFailed(findings)) return false;
  if (config.transport === "stdio") return findings.push(programFinding(config)) > 0 && !hasFailed(findings);
  const { origin, pathname } = new URL(config.url);
  findings.push(ok("address", `${redactUrls(origin + pathname)} (${config.transport})`));
  return true;
}

function programFinding({ name, command, cwd, env }: StdioServerConfig): Finding {
  if (cwd !== undefined && !existsSync(cwd)) {
    return fail("folder", `the folder ${cwd} does not exist`, `fix mcpServers.${name}.cwd`);
  }
  const path = commandPath(command, { env, cwd });
  if (path) return ok("command", path === command ? path : `${command} is ${path}`);
  return fail("command", `command not found: ${command}`, installing(command, name));
}

async function timed(ms: number, signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new McpError("timeout", `not ready within ${waitText(ms)}`)), ms);
  try {
    await work(AbortSignal.any([signal, late.signal]));
  } finally {
    clearTimeout(timer);
  }
}

function greeted(connection: McpConnection, ms: number, check: ServerCheck): void {
  const { era, serverVersion: version } = connection;
  check.timings.initializeMs = Math.round(ms);
  check.era = era;
  if (version !== undefined) check.version = version;
  const facts = [`${era} protocol`, version && `version ${version}`, `in ${Math.round(ms)} ms`].filter(Boolean);
  check.findings.push(ok("initialize", facts.join(", ")));
}

async function ping(connection: McpConnection, signal: AbortSignal, check: ServerCheck): Promise<void> {
  const askedAt = performance.now();
  try {
    await within(pingMs, signal, (limit) => connection.ping(limit));
  } catch (error) {
    signal.throwIfAborted();
    const fix = `run mcp-platform servers logs ${check.server}`;
    check.findings.push(fail("ping", `no answer within ${waitText(pingMs)}: ${messageOf(error)}`, fix));
    return;
  }
  check.timings.pingMs = Math.round(performance.now() - askedAt);
  check.findings.push(ok("ping", `answered in ${check.timings.pingMs} ms`));
}

/**
 * Returns a finding that names the failed stage and a fix. The server's stderr output is removed from the error message, because
 * `ServerCheck.stderr` already contains it.
 */
function failure(
  config: ConfiguredServer,
  error: unknown,
  { isConnected, redact }: { isConnected: boolean; redact: (text: string) => string },
): Finding {
  const known = error instanceof McpError ? error : undefined;
  const [what = ""] = messageOf(error).split("; it said: ");
  const text = redact(what);
  const isEnd = /the server (exited|was killed)/.test(text);
  const check = known?.kind === "needs_auth" ? "login" : isConnected ? "tools" : isEnd ? "start" : "initialize";
  const fix = known?.hint || nextStep(config, known, isEnd);
  return fail(check, withCommand(config, text), fix);
}

function withCommand(config: ConfiguredServer, text: string): string {
  return config.transport === "stdio" ? `${config.command}: ${text}` : text;
}

function nextStep(config: ConfiguredServer, error: McpError | undefined, isEnd: boolean): string {
  const { name, protocol } = config;
  if (error?.kind === "timeout") {
    return `raise mcpServers.${name}.startup_timeout if the server is only slow (npx, uvx and docker download it at the first start)`;
  }
  if (isEnd && config.transport === "stdio") return `read its stderr, and check mcpServers.${name}.args and env`;
  if (protocol !== "auto")
    return `leave out mcpServers.${name}.protocol: the host finds out which one the server speaks`;
  return config.transport === "stdio" ? `is ${config.command} an MCP server on stdio?` : `check mcpServers.${name}.url`;
}
