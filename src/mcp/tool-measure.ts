import type { SendOptions, ToolResult } from "../core/ports.js";
import type { Json } from "./json.js";
import type { ListedTool } from "./listed.js";
import { RpcError } from "./peer.js";
import type { SupervisedServer } from "./supervised-server.js";

/** Why a call has no result, or one that says that it failed; and what was thrown for it. */
export type NoteFailure = (why: string, error?: unknown) => void;

/** The same call, measured. */
export async function measured(
  { meter, config: { name: server, transport } }: SupervisedServer,
  tool: ListedTool,
  args: Json,
  { trace, callId }: SendOptions,
  call: (noteFailure: NoteFailure) => Promise<ToolResult>,
): Promise<ToolResult> {
  if (!meter) return call(() => {});
  const facts = { trace, server, tool: tool.name, transport };
  let failure: { error?: string; errorCode?: number | undefined } = {};
  const startedAt = performance.now();
  meter.record({ type: "tool_started", ...facts, callId, content: args });
  const result = await call((why, error) => {
    const code = error instanceof Error && error.cause instanceof RpcError ? error.cause.code : undefined;
    failure = { error: code === undefined ? why : String(code), errorCode: code };
  });
  const durationMs = performance.now() - startedAt;
  meter.record({ type: "tool_ended", ...facts, durationMs, ...failure, content: result });
  return result;
}
