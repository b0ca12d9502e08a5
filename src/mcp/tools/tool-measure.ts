import { RpcError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import type { Meter } from "../../core/measurements.js";
import type { SendOptions, ToolResult } from "../../core/ports.js";
import type { ListedTool } from "../lists/listed.js";
import type { SupervisedServer } from "../server/supervised-server.js";

export class MeasuredCall {
  readonly #meter: Meter;
  readonly #facts;
  readonly #startedAt = performance.now();
  #failure: { error?: string; errorCode?: number | undefined } = {};

  constructor(
    meter: Meter,
    { config: { name: server, transport } }: SupervisedServer,
    tool: ListedTool,
    args: JsonObject,
    { trace, callId }: SendOptions,
  ) {
    this.#meter = meter;
    this.#facts = { trace, server, tool: tool.name, transport };
    meter.record({ type: "tool_started", ...this.#facts, callId, content: args });
  }

  failed(why: string, error?: unknown): void {
    const code = error instanceof Error && error.cause instanceof RpcError ? error.cause.code : undefined;
    this.#failure = { error: code === undefined ? why : String(code), errorCode: code };
  }

  ended(content: ToolResult): void {
    const durationMs = performance.now() - this.#startedAt;
    this.#meter.record({ type: "tool_ended", ...this.#facts, durationMs, ...this.#failure, content });
  }
}
