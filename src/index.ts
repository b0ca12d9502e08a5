/** Public interface of the library; nothing else is public. */
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
 * Runs a `*.session.yaml`, or an object of its shape, once; `model` and `vars` select a run of its matrix. Rejects with ConfigError, with
 * `file:line` for every mistake, before anything is started. Later failures are in the result.
 */
export const runScript: typeof loadedRunScript = async (script, options) => {
  // A third of all modules are for scripts only.
  const host = await import("./script-host/run-script.js");
  return host.runScript(script, options);
};
