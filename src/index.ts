/** The library. Nothing else is public. */
export type { App, AppOptions } from "./app.js";
export { createApp } from "./app.js";
export type * from "./core/chat.js";
export { ConfigError, LlmError, McpError, RequestError, StoreError } from "./core/errors.js";
export type { CallOptions } from "./orchestrator/orchestrator.js";
export { Orchestrator } from "./orchestrator/orchestrator.js";
export type { TurnOptions } from "./orchestrator/turn-options.js";
export type { PromptRequest, Session } from "./session/session.js";
export type { Sessions } from "./session/sessions.js";
