/** `servers test`: starts one server and checks it, independently of running hosts. */

import type { Command } from "commander";
import { RequestError } from "../../../core/errors.js";
import { child } from "../../../core/source/tree.js";
import { toVisibleJson } from "../../../core/text/inert.js";
import { didYouMean } from "../../../core/text/nearest.js";
import { hasFailed } from "../../../doctor/finding.js";
import type { ServerCheck } from "../../../doctor/server-check.js";
import { exitCodes } from "../../../doors/shared/exit-codes.js";
import type { GlobalOptions } from "../../shared/configuration.js";
import { loadConfirmed } from "../../shared/confirmed.js";
import { exit, keepStdoutClean, onInterrupt, print, printInert, whenWritten } from "../../shared/process.js";
import { findingLines, lastStderr, serverFacts } from "../findings-text.js";

export function addTestCommand(servers: Command, globals: () => GlobalOptions): void {
  servers
    .command("test")
    .description("start or reach a server and list its tools with their tokens; exit code 5 after a failure")
    .argument("<name>", "name of the server, as in mcpServers")
    .option("--json", "print JSON")
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
  const { checkServer } = await import("../../../doctor/server-check.js");
  const { clearing } = await import("../../../core/text/redaction.js");
  const { configuredSecrets } = await import("../../../config/reading/secrets.js");
  const { unsetBelow } = await import("../../../config/unset.js");
  const { stateFolder } = await import("../../../core/files/state-folder.js");
  const interrupted = new AbortController();
  onInterrupt(() => interrupted.abort());
  const check = await checkServer(config, {
    auth: { folder: stateFolder(process.env, "auth") },
    unset: unsetBelow(child("/mcpServers", name), loaded, process.env),
    toolBudgetTokens: chat.service.toolBudgetTokens,
    clear: clearing(configuredSecrets(loaded.config, process.env)),
    signal: interrupted.signal,
  }).catch((error: unknown) => (interrupted.signal.aborted ? exit(exitCodes.cancelled) : Promise.reject(error)));
  if (asJson) print(jsonOf(check));
  else await printInert(textOf(check));
  await whenWritten();
  exit(hasFailed(check.findings) ? exitCodes.serverDown : exitCodes.done);
}

function textOf(check: ServerCheck): string {
  const costs = check.tools.toSorted((one, other) => other.tokens - one.tokens);
  const listed = costs.map(
    ({ name, tokens, isOffered }) => `  ${String(tokens).padStart(6)}  ${name}${isOffered ? "" : " (filtered)"}`,
  );
  const words = lastStderr(check);
  return [
    ...findingLines(check.findings),
    ...(listed.length > 0 ? ["", "tokens  tool", ...listed] : []),
    ...(words.length > 0 ? ["", ...words] : []),
  ].join("\n");
}

function jsonOf(check: ServerCheck): string {
  const { server, findings } = check;
  return toVisibleJson({ server, ok: !hasFailed(findings), findings, ...serverFacts(check) }, 2);
}
