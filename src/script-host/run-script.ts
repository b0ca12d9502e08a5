/** Scripted sessions, each in its own host. */
import { existsSync } from "node:fs";
import { type App, type AppOptions, createApp } from "../app.js";
import { type Cassette, type CassetteMode, type CassetteOptions, openCassette } from "../cassette/cassette.js";
import { type ConfigObject, type LoadedConfig, loadConfig } from "../config/load.js";
import { ConfigError, ScriptError } from "../core/errors.js";
import type { Observe } from "../core/ports.js";
import type { Tape } from "../core/tape.js";
import { exitCodeOfScripts, exitCodes } from "../frontends/exit-codes.js";
import type { ScriptHost, ScriptRunOptions } from "../frontends/script/parts.js";
import { readScript, type ScriptObject } from "../frontends/script/reading/read-script.js";
import type { ScriptResult } from "../frontends/script/result.js";
import { runInHost, unbegun } from "../frontends/script/run-in-host.js";
import { SCRIPTED, type Script } from "../frontends/script/script.js";
import { ScriptedModel } from "../frontends/script/scripted/scripted-model.js";
import { scriptedTape } from "../frontends/script/scripted/scripted-tape.js";
import { failureOf } from "../frontends/script/step-result.js";
import { offline, settingsOf } from "./script-settings.js";

export interface RunScriptOptions extends ScriptRunOptions {
  /** Configuration below the script's own settings, as for `createApp`. */
  config?: string | ConfigObject | LoadedConfig;
  /** Source of keys and `${VAR}`. Default: the process's environment. */
  env?: AppOptions["env"];
  /** Receives the observations from `logging.level` upwards. Default: log lines on stderr. */
  observe?: Observe;
  /** Base of relative paths and of the places in errors. Default: the working directory. */
  cwd?: string;
  /** `auto` (default): `replay` if `CI` is set and there is a cassette; otherwise everything is live and nothing is recorded. */
  cassette?: CassetteMode | "auto";
  /** On replay: `full` (default) skips the pauses of the recording. */
  speed?: CassetteOptions["speed"];
  /** On replay: faults, such as `llm[1]=429`. */
  faults?: readonly string[];
}

/**
 * Runs a `*.session.yaml`, or an object of its shape, once; `model` and `vars` select a run of its matrix. Rejects with ConfigError, with
 * `file:line` for every mistake, before anything is started. Later failures are in the result.
 */
export async function runScript(script: string | ScriptObject, options: RunScriptOptions = {}): Promise<ScriptResult> {
  return runReadScript(loadScript(script, options.cwd), options);
}

/** Reads and checks a script for `runReadScript`, without touching anything else. Throws ConfigError. */
export function loadScript(script: string | ScriptObject, cwd: string = process.cwd()): Script {
  return readScript(script, cwd);
}

/** Runs a script that was read before, like `runScript`. ConfigError is then only for its configuration and its cassette. */
export async function runReadScript(script: Script, options: RunScriptOptions = {}): Promise<ScriptResult> {
  const { config: given = {}, env = process.env, cwd, observe, cassette: mode, speed, faults, ...run } = options;
  const cassetteMode = cassetteModeOf(script, mode, env);
  const isReplay = cassetteMode === "replay";
  const loaded = isLoaded(given) ? given : loadConfig(given, { env, cwd, allowsUnset: isReplay });
  const model = run.model ?? script.model;
  const settings = settingsOf(script, model);
  // A script may come from anybody: its replay reads no variable of this machine and sends nothing out.
  const config = isReplay
    ? loaded.with(offline(settings), { allowsUnset: true, variables: {} })
    : loaded.with(settings);
  const { cassette: path, strict } = script;
  const cassette = cassetteMode && (await openCassette({ path, strict, mode: cassetteMode, speed, faults }));
  const scripted = model === SCRIPTED ? new ScriptedModel(script.scripted) : undefined;
  const tape = scripted ? scriptedTape(scripted, cassette?.tape) : cassette?.tape;
  const hostEnv = isReplay ? { HOME: env.HOME, XDG_STATE_HOME: env.XDG_STATE_HOME } : env;
  const app = {
    config,
    env: hostEnv,
    observe,
    recover: false,
    keepsApprovals: false,
    questionTimeoutMs: Infinity,
    tape,
  };
  const result = await runApp(script, app, { cassette, scripted, run });
  // A run that did not begin or was cut short must not replace an earlier recording or be replayed later.
  const isCutShort = cassetteMode !== "replay" && isKeptFromGoingOn(result);
  const [problem] = result.error || isCutShort ? [] : ((await cassette?.finish()) ?? []);
  if (problem !== undefined) return failed(result, new ScriptError("cassette", problem));
  // Skipped steps would have used more answers.
  const unused = (result.passed && scripted?.unused) || [];
  return unused.length > 0 ? failed(result, new ScriptError("scripted", unused.join("\n"))) : result;
}

/** Returns true if a provider or a server stopped the run, and not an unmet expectation. */
function isKeptFromGoingOn(result: ScriptResult): boolean {
  return ![exitCodes.done, exitCodes.unmet].some((code) => code === exitCodeOfScripts([result]));
}

function failed(result: ScriptResult, error: ScriptError): ScriptResult {
  return { ...result, passed: false, error: failureOf(error) };
}

/** Runs a script in its own host, whose wires are the tape's. Rejects with ConfigError. */
export function runOnTape(script: Script, host: AppOptions & { tape: Tape }): Promise<ScriptResult> {
  return runApp(script, { ...host, recover: false, keepsApprovals: false, questionTimeoutMs: Infinity }, { run: {} });
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

/** Resolves `auto`; returns undefined if everything is live. */
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
    passage: hub.passage,
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
      const { usage } = completion;
      return { text: completion.message.content, usage, costUsd: orchestrator.spentOn(request, completion).usd };
    },
    now: () => performance.now(),
  };
}

function isLoaded(config: RunScriptOptions["config"]): config is LoadedConfig {
  return typeof config === "object" && typeof config.originOf === "function";
}
