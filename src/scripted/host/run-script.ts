/** Runs scripted sessions, each in a new host. */
import { existsSync } from "node:fs";
import { type ConfigObject, isLoaded, type LoadedConfig, loadConfig } from "../../config/reading/load.js";
import { ConfigError, ScriptError } from "../../core/errors.js";
import type { Observe } from "../../core/ports.js";
import { usageSum } from "../../core/token-usage.js";
import { exitCodeOfScripts, exitCodes } from "../../doors/shared/exit-codes.js";
import { type App, type AppOptions, createApp } from "../../host/app.js";
import type { Tape } from "../../host/tape.js";
import { type Cassette, type CassetteMode, type CassetteOptions, openCassette } from "../cassette/cassette.js";
import { ScriptedModel, scriptedTape } from "../model/scripted-model.js";
import { readScript, type ScriptObject } from "../reading/read-script.js";
import { runInHost, unbegun } from "../run-in-host.js";
import { type Script, scriptedModel } from "../shared/script.js";
import { type ScriptResult, stepFailureOf } from "../shared/script-result.js";
import type { ScriptHost, ScriptRunOptions } from "../steps/script-host.js";
import { offline, settingsOf } from "./script-settings.js";

export interface RunScriptOptions extends ScriptRunOptions {
  /** Configuration: the path of a file, an object, or a configuration that is already loaded. The script's own settings override it. */
  config?: string | ConfigObject | LoadedConfig;
  /** Environment variables, for API keys and `${VAR}`. Default: the process's environment. */
  env?: AppOptions["env"];
  /** Called with log entries of the level `logging.level` and above. Default: they are written to stderr. */
  observe?: Observe;
  /** Folder to which relative paths refer; paths in error messages are relative to it too. Default: the working directory. */
  cwd?: string;
  /**
   * How the cassette (the file with recorded traffic) is used. `auto` (default) means `replay` if `CI` is set and the cassette exists.
   * Otherwise `auto` means that requests go to the real servers and models, and nothing is recorded.
   */
  cassette?: CassetteMode | "auto";
  /** Speed of a replay. `full` (default) leaves out the recorded pauses. */
  speed?: CassetteOptions["speed"];
  /** Faults to cause on purpose, such as `llm[1]=429`. Used only for a replay. */
  faults?: readonly string[];
}

/**
 * Runs a `*.session.yaml`, or an object of the same shape, once. If the script has a matrix, `model` and `vars` select which run of the
 * matrix is made. Rejects with ConfigError before anything starts; the error has `file:line` for every mistake. Later failures are part of
 * the result.
 */
export async function runScript(script: string | ScriptObject, options: RunScriptOptions = {}): Promise<ScriptResult> {
  return runReadScript(readScript(script, options.cwd ?? process.cwd()), options);
}

/** Runs a script that `readScript` returned. Rejects with ConfigError if the configuration or the cassette is invalid. */
export async function runReadScript(script: Script, options: RunScriptOptions = {}): Promise<ScriptResult> {
  const { config: given = {}, env = process.env, cwd, observe, cassette: mode, speed, faults, ...run } = options;
  const cassetteMode = cassetteModeOf(script, mode, env);
  const isReplay = cassetteMode === "replay";
  const loaded = isLoaded(given) ? given : loadConfig(given, { env, cwd, allowsUnset: isReplay });
  const model = run.model ?? script.model;
  const settings = settingsOf(script, model);
  // The script may come from anybody. A replay therefore gets none of this machine's variables, and cannot send data anywhere.
  const config = isReplay
    ? loaded.with(offline(settings), { allowsUnset: true, variables: {} })
    : loaded.with(settings);
  const { cassette: path, strict } = script;
  const cassette = cassetteMode && (await openCassette({ path, strict, mode: cassetteMode, speed, faults }));
  const scripted = model === scriptedModel ? new ScriptedModel(script.scripted) : undefined;
  const tape = scripted ? scriptedTape(scripted, cassette?.tape) : cassette?.tape;
  const hostEnv = isReplay ? { HOME: env.HOME, XDG_STATE_HOME: env.XDG_STATE_HOME } : env;
  const app = {
    config,
    env: hostEnv,
    observe,
    recover: false,
    // The user's refusals hold for the user's servers, also in a script of another person. A replay reaches no server.
    keepsApprovals: isReplay ? false : ("refusals" as const),
    questionTimeoutMs: Infinity,
    tape,
  };
  const result = await runApp(isReplay ? inReplay(script) : script, app, { cassette, scripted, run });
  // If the run did not begin or was cut short, the recording is not written, because it would replace a complete recording.
  const isCutShort = cassetteMode !== "replay" && isKeptFromGoingOn(result);
  const [problem] = result.error || isCutShort ? [] : ((await cassette?.finish()) ?? []);
  if (problem !== undefined) return failed(result, new ScriptError("cassette", problem));
  // Replies that were not used are a failure only if no step has failed: a failed script skips steps, which leaves replies unused.
  const unused = (result.passed && scripted?.unused) || [];
  return unused.length > 0 ? failed(result, new ScriptError("scripted", unused.join("\n"))) : result;
}

/** Returns true if a provider or a server kept the run from continuing. An assertion that failed does not count. */
function isKeptFromGoingOn(result: ScriptResult): boolean {
  return ![exitCodes.done, exitCodes.unmet].some((code) => code === exitCodeOfScripts([result]));
}

function failed(result: ScriptResult, error: ScriptError): ScriptResult {
  return { ...result, passed: false, error: stepFailureOf(error) };
}

/**
 * Runs a script in a new host. The tape answers all requests to models and servers, in place of real connections. Rejects with ConfigError.
 */
export function runOnTape(script: Script, host: AppOptions & { tape: Tape }): Promise<ScriptResult> {
  return runApp(
    inReplay(script),
    { ...host, recover: false, keepsApprovals: false, questionTimeoutMs: Infinity },
    { run: {} },
  );
}

/** Returns the script with the permissions that it has in a replay, where no call reaches a server. */
function inReplay(script: Script): Script {
  const { permissions, allowedInReplay } = script;
  return { ...script, permissions: { ...permissions, allow: [...permissions.allow, ...allowedInReplay] } };
}

async function runApp(
  script: Script,
  options: AppOptions,
  { cassette, scripted, run }: { cassette?: Cassette; scripted?: ScriptedModel; run: ScriptRunOptions },
): Promise<ScriptResult> {
  try {
    await using app = await createApp(options);
    const host = hostOf(app, run.model ?? script.model);
    const misses = [
      { kind: "scripted" as const, said: scripted?.misses ?? [] },
      { kind: "cassette" as const, said: cassette?.misses ?? [] },
    ];
    return await runInHost(script, { ...host, misses, scripted }, run);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    return unbegun(script, error, run);
  }
}

/** Resolves `auto` to a mode. Returns undefined if requests go to the real servers and models, and nothing is recorded. */
export function cassetteModeOf(
  { cassette }: Script,
  mode: RunScriptOptions["cassette"] = "auto",
  env: NonNullable<AppOptions["env"]> = process.env,
): CassetteMode | undefined {
  if (mode !== "auto") return mode;
  return isCi(env) && existsSync(cassette) ? "replay" : undefined;
}

function isCi({ CI = "" }: NonNullable<AppOptions["env"]>): boolean {
  return !["", "0", "false"].includes(CI.toLowerCase());
}

function hostOf(app: App, model: string | undefined): ScriptHost {
  const { sessions, hub, orchestrator, resolveModel, config } = app;
  return {
    sessions,
    hub,
    resolveModel,
    defaults: config.chat.service,
    ready: (servers) => hub.ready(servers),
    async ask({ system, prompt, model: judge = model }, signal) {
      const content = [{ type: "text" as const, text: prompt }];
      const messages = [
        { role: "system" as const, content: system },
        { role: "user" as const, content },
      ];
      const request = { messages, tools: [], model: judge };
      const completion = await orchestrator.callOpenAIApi(request, { signal });
      const { spent, billed = [completion] } = orchestrator.billOf(request, completion);
      return { text: completion.message.content, usage: usageSum(billed), costUsd: spent.usd };
    },
    now: () => performance.now(),
  };
}
