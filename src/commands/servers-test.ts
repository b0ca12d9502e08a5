/** `servers test`: one server, really tried, whatever hosts do with it now. */
import type { Command } from "commander";
import type { LoadedConfig } from "../config/load.js";
import { RequestError } from "../core/errors.js";
import { didYouMean } from "../core/nearest.js";
import { child } from "../core/tree.js";
import type { ServerCheck } from "../doctor/server-check.js";
import { exitCodes } from "../frontends/exit-codes.js";
import type { GlobalOptions } from "./configuration.js";
import { loadConfirmed } from "./confirmed.js";
import { keepStdoutClean, leave, onInterrupt, print, printInert, whenWritten } from "./process.js";

export function addTestCommand(servers: Command, globals: () => GlobalOptions): void {
  servers
    .command("test")
    .description("start or reach a server, list its tools with their cost; exit code 5 when it does not work")
    .argument("<name>", "as in mcpServers")
    .option("--json", "as JSON")
    .action((name: string, { json = false }: { json?: boolean }) => test(name, json, globals()));
}

async function test(name: string, asJson: boolean, globals: GlobalOptions): Promise<void> {
  keepStdoutClean();
  const loaded = await loadConfirmed(globals, { allowsUnset: true });
  const { mcpServers, chat } = loaded.config;
  const config = mcpServers.find((server) => server.name === name);
  if (!config) {
    const names = mcpServers.map((server) => server.name);
    throw new RequestError("not_found", `there is no server "${name}" in ${loaded.file}${didYouMean(name, names)}`);
  }
  const { checkServer } = await import("../doctor/server-check.js");
  const { clearing } = await import("../core/redaction.js");
  const { configuredSecrets } = await import("../config/secrets.js");
  const { stateFolder } = await import("../core/state-folder.js");
  const interrupted = new AbortController();
  onInterrupt(() => interrupted.abort());
  const check = await checkServer(config, {
    auth: { folder: stateFolder(process.env, "auth") },
    unset: await unsetIn(name, loaded),
    toolBudgetTokens: chat.service.toolBudgetTokens,
    clear: clearing(configuredSecrets(loaded.config, process.env)),
    signal: interrupted.signal,
  }).catch((error: unknown) => (interrupted.signal.aborted ? leave(exitCodes.cancelled) : Promise.reject(error)));
  if (asJson) print(jsonOf(check));
  else await printInert(textOf(check));
  await whenWritten();
  leave(check.findings.some(({ status }) => status === "fail") ? exitCodes.serverDown : exitCodes.done);
}

/** What is wrong with the placeholders of its entry. */
async function unsetIn(name: string, { written }: LoadedConfig): Promise<string[]> {
  const { interpolate } = await import("../config/interpolate.js");
  const { keyPath } = await import("../core/tree.js");
  const below = `${child("/mcpServers", name)}/`;
  return [...written]
    .filter(([pointer]) => pointer.startsWith(below))
    .flatMap(([pointer, value]) =>
      [value].flat().flatMap((text) => {
        const problems = typeof text === "string" ? interpolate(text, process.env).problems : [];
        return problems.map((problem) => `${keyPath(pointer)}: ${problem}`);
      }),
    );
}

function textOf({ findings, tools, stderr }: ServerCheck): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, status, text, fix }) => [
    `${status.padEnd(4)}  ${check.padEnd(width)}  ${text}`,
    ...(fix ? [`${" ".repeat(width + 8)}fix: ${fix}`] : []),
  ]);
  const costs = tools.toSorted((one, other) => other.tokens - one.tokens);
  const listed = costs.map(
    ({ name, tokens, isOffered }) => `  ${String(tokens).padStart(6)}  ${name}${isOffered ? "" : " (filtered)"}`,
  );
  const hasFailed = findings.some(({ status }) => status === "fail");
  return [
    ...lines,
    ...(listed.length > 0 ? ["", "tokens  tool", ...listed] : []),
    ...(hasFailed && stderr.length > 0 ? ["", "its last words on stderr:", ...stderr.map((line) => `  ${line}`)] : []),
  ].join("\n");
}

function jsonOf({ server, findings, timings, era, version, tools, stderr }: ServerCheck): string {
  const { initializeMs = null, listMs = null, pingMs = null } = timings;
  return JSON.stringify(
    {
      server,
      ok: !findings.some(({ status }) => status === "fail"),
      findings,
      era: era ?? null,
      version: version ?? null,
      initialize_ms: initializeMs,
      list_ms: listMs,
      ping_ms: pingMs,
      tools: tools.map(({ name, tokens, isOffered }) => ({ name, tokens, offered: isOffered })),
      stderr,
    },
    null,
    2,
  );
}
