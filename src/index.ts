/** Public interface of the library. Everything that is not exported here is private. */
import type { runScript as loadedRunScript } from "./scripted/host/run-script.js";

export { ConfigError, LlmError, McpError, RequestError, ScriptError, StoreError, TurnError } from "./core/errors.js";
export type * from "./core/events.js";
export type * from "./core/messages.js";
export type { ProgramTool, ToolContext } from "./core/ports.js";
export type { ObjectSchema } from "./core/schemas/object-schema.js";
export { tool } from "./core/schemas/program-tool.js";
export type { App, AppOptions } from "./host/app.js";
export { createApp } from "./host/app.js";
export type { RunScriptOptions } from "./scripted/host/run-script.js";
export type { ScriptObject } from "./scripted/reading/read-script.js";
export type {
  AssertionResult,
  CalledTool,
  ScriptResult,
  StepOutcome,
  StepResult,
} from "./scripted/shared/script-result.js";
export type { Prompt, PromptAnswer } from "./session/prompt-answer.js";
export type { Session } from "./session/session.js";
export type { Sessions } from "./session/sessions.js";
export type { PromptRequest } from "./session/shared/prompt-options.js";
export type { CallOptions, TurnOptions } from "./turn/orchestrator.js";
export { Orchestrator } from "./turn/orchestrator.js";

/**
 * Runs a session once. `script` is a `*.session.yaml` file or an object of the same shape. If the script has a matrix (lists of models and
 * of values for variables), `model` and `vars` select one combination. If the script has mistakes, rejects with ConfigError before anything
 * is started; the error names `file:line` of every mistake. A later failure does not reject: the result reports it.
 */
export const runScript: typeof loadedRunScript = async (script, options) => {
  // Imported only here, because a third of all modules are needed only for scripts.
  const host = await import("./scripted/host/run-script.js");
  return host.runScript(script, options);
};
