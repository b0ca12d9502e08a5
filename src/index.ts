/** The library. Nothing else is public. */
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
export { runScript } from "./script-host/run-script.js";
export type { PromptRequest, Session } from "./session/session.js";
export type { Sessions } from "./session/sessions.js";
