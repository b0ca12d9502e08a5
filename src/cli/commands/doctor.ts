/** `doctor`: checks everything that a host needs, and says what to do about each failure. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { LoadedConfig } from "../../config/reading/load.js";
import { ConfigError, RequestError } from "../../core/errors.js";
import { stateFolder } from "../../core/files/state-folder.js";
import { keyPath } from "../../core/source/tree.js";
import type { Configuration } from "../../doctor/config-checks.js";
import type { Section } from "../../doctor/section.js";
import { exitCodeOfError, exitCodes } from "../../doors/shared/exit-codes.js";
import {
  configNames,
  findSource,
  findUnconfirmed,
  type GlobalOptions,
  load,
  usersPath,
} from "../shared/configuration.js";
import { exit, keepStdoutClean, onInterrupt, print, printInert, whenWritten } from "../shared/process.js";

interface DoctorFlags {
  live?: boolean;
  json?: boolean;
  bundle?: string | true;
  conversation?: string;
}

export function addDoctorCommand(program: Command, version: string): void {
  program
    .command("doctor")
    .description(
      "check everything that a host needs and say what to do about each failure; a failure gives another exit code than 0",
    )
    .option(
      "--live",
      "send four small requests to each provider: a whole answer, a streamed one, a tool call and its result",
    )
    .option("--json", "print JSON")
    .option("--bundle [file]", "also write a JSON file for a bug report, without secrets and without conversations")
    .option("--conversation <id>", "add this conversation to the file of --bundle")
    .action((flags: DoctorFlags) => doctor(flags, program.opts<GlobalOptions>(), version));
}

async function doctor(flags: DoctorFlags, globals: GlobalOptions, version: string): Promise<void> {
  keepStdoutClean();
  const interrupted = new AbortController();
  onInterrupt(() => interrupted.abort());
  const { live = false, bundle, conversation } = flags;
  if (conversation !== undefined && bundle === undefined) {
    throw new RequestError("usage", "--conversation needs --bundle", { hint: "add --bundle" });
  }
  const configuration = await findConfiguration(globals);
  const { loadConfig } = await import("../../config/reading/load.js");
  const { manifestFiles } = await import("../../host/user-state.js");
  const { FirstRun } = await import("../../host/first-run.js");
  const { clearingForOthers } = await import("../../doctor/bundle.js");
  const { examine, failedKind } = await import("../../doctor/doctor.js");
  const { reportJson, reportText } = await import("./findings-text.js");
  const { loaded, env } = configuration;
  const known = loaded ?? loadConfig({}, { env: {} });
  const clear = clearingForOthers(known.config, env);
  const firstRun = new FirstRun(env, undefined);
  const llm = loaded && (await firstRun.llmOf(loaded.config));
  const packageFile = new URL("../../../package.json", import.meta.url);
  const sections: Section[] = await examine({
    configuration,
    llm,
    servers: firstRun.serversOf(known.config),
    isLive: live,
    node: { version: process.versions.node, required: JSON.parse(readFileSync(packageFile, "utf8")).engines.node },
    builtMs: statSync(packageFile).mtimeMs,
    cacheFolder: manifestFiles(env).folder,
    clear,
    signal: interrupted.signal,
  }).catch((error: unknown) => (interrupted.signal.aborted ? exit(exitCodes.cancelled) : Promise.reject(error)));
  await firstRun.close();

  const kind = failedKind(sections);
  const exitCode =
    kind === undefined ? exitCodes.done : exitCodeOfError({ kind, message: "", retryable: false, hint: "" });
  const report = reportJson(sections, { version, live, exit_code: exitCode });
  if (flags.json) print(report);
  else await printInert(reportText(sections));
  if (bundle !== undefined) {
    const file = resolve(bundle === true ? `mcp-platform-doctor-${Date.now()}.json` : bundle);
    writeFileSync(file, await bundleText({ report, version, conversation, clear, loaded, env }), { mode: 0o600 });
    const unknown = "it may hold a secret that no pattern recognises";
    process.stderr.write(`${file}: read it before you give it to anybody: ${unknown}\n`);
  }
  await whenWritten();
  exit(exitCode);
}

interface Bundled extends Pick<Configuration, "loaded" | "env"> {
  report: string;
  version: string;
  conversation: string | undefined;
  clear(text: string): string;
}

async function bundleText({ version, conversation, ...parts }: Bundled): Promise<string> {
  const { bundleOf } = await import("../../doctor/bundle.js");
  const { platform, arch, versions } = process;
  return bundleOf({
    ...parts,
    versions: { "mcp-platform": version, node: versions.node, platform, arch },
    logFolder: stateFolder(parts.env, "server-logs"),
    conversation: conversation === undefined ? undefined : await exported(conversation, parts.loaded),
  });
}

/** Returns the configuration that a host would use, even if the host could not start with it. */
async function findConfiguration(globals: GlobalOptions): Promise<Configuration> {
  const source = findSource(globals);
  const about = { ...source, names: configNames, usersFile: usersPath(), env: process.env };
  const [strict, error] = await attempt(() => load(globals, source));
  const read = strict ?? (await attempt(() => load(globals, source, { allowsUnset: true })))[0];
  const unconfirmed = read && (await findUnconfirmed(read, { flags: globals, source }));
  if (!unconfirmed) return { ...about, error, loaded: read };
  const { servers, settings, refused } = unconfirmed;
  const waiting = { servers: servers.map(({ name }) => name), settings: settings.map(keyPath) };
  return { ...about, error, loaded: refused, unconfirmed: waiting };
}

async function attempt(work: () => Promise<LoadedConfig>): Promise<[LoadedConfig?, ConfigError?]> {
  try {
    return [await work()];
  } catch (error) {
    if (error instanceof ConfigError) return [undefined, error];
    throw error;
  }
}

async function exported(id: string, loaded: LoadedConfig | undefined): Promise<string> {
  if (!loaded)
    throw new RequestError(
      "not_found",
      `the configuration cannot be read, so the log with conversation ${id} cannot be found`,
    );
  const { openConversations } = await import("../../host/log-only.js");
  const { exportConversation } = await import("../../session/export/export.js");
  const { conversations, secrets } = await openConversations(loaded.config, process.env);
  try {
    let text = "";
    for await (const piece of exportConversation(conversations, id, { format: "json", secrets })) text += piece;
    return text;
  } finally {
    await conversations.close();
  }
}
