/** Public interface of the library. Everything that is not exported here is private. */
import type { runScript as loadedRunScript } from "./script-host/run-script.js";

export type { App, AppOptions } from "./app.js";
export { createApp } from "./app.js";
export type * from "./core/chat.js";
export { ConfigError, LlmError, McpError, RequestError, ScriptError, StoreError } from "./core/errors.js";
export type { ScriptObject } from "./frontends/script/reading/read-script.js";
export type { AssertionResult, CalledTool, ScriptResult, StepOutcome, StepResult } from "./frontends/script/result.js";
export type { CallOptions } from "./orchestrator/orchestrator.js";
export { Orchestrator } from "./orchestrator/orchestrator.js";
export type { TurnOptions } from "./orchestrator/turn-options.js";
export type { RunScriptOptions } from "./script-host/run-script.js";
export type { PromptRequest, Session } from "./session/session.js";
export type { Sessions } from "./session/sessions.js";

/**
 * Runs a `*.session.yaml` file, or an object of the same shape, once. If the script has a matrix, `model` and `vars` select the run.
 * Rejects with ConfigError before anything is started if the script has mistakes; the error names `file:line` of every mistake. Later
 * failures are part of the result.
 */
export const runScript: typeof loadedRunScript = async (script, options) => {
  // Imported here and not at the top: a third of all modules are needed only for scripts.
  const host = await import("./script-host/run-script.js");
  return host.runScript(script, options);
};
