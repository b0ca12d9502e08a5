import { McpError, RpcError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import type { Meter } from "../../core/measurements.js";
import type { ContentPart, JsonSchema } from "../../core/messages.js";
import { modelName } from "../../core/patterns/model-name.js";
import type { HubTool, PreparedCall, SendOptions, ToolFacts, ToolResult } from "../../core/ports.js";
import type { ListedTool } from "../lists/listed.js";
import { annotationsOf, factsOf, isOffered } from "../lists/tool-facts.js";
import { errorResult, structuredOf, toToolResult } from "../protocol/result-content.js";
import type { SupervisedServer } from "../server/supervised-server.js";
import { passedMessage } from "../shared/redact-secrets.js";
import { NotTaken, OutcomeUnknown } from "../shared/request-failures.js";
import { problemIn } from "../shared/tool-arguments.js";

/** A tool with the name that the model sees. */
export interface RegisteredTool {
  definition: HubTool;
  /** True if the server is a process of this host. */
  isProcess?: boolean;
  /** Prepares a call of the tool. The returned call's `send` never rejects. */
  prepare(args: Record<string, unknown>): PreparedCall;
}

/** Returns the tools of this server that the configuration allows. */
export function toolsOf(server: SupervisedServer): RegisteredTool[] {
  const { config, lists } = server;
  return lists.tools
    .filter((tool) => isOffered(config, tool))
    .map((tool) => {
      const { name, description, inputSchema } = tool;
      let facts: ToolFacts | undefined;
      return {
        definition: {
          name: modelName(config.name, name),
          description,
          inputSchema,
          server: config.name,
          tool: name,
          ...annotationsOf(config, tool),
        },
        isProcess: config.transport === "stdio",
        prepare(args) {
          facts ??= factsOf(config, tool);
          // The spread comes last for speed: V8 11.3 makes the whole object in 0.2 µs. If the spread came first, each field after it would
          // take 1.5 µs.
          return {
            change: server.offered.changeOf(tool),
            arguments: args,
            definition: tool.definition,
            pin: () => void server.offered.pin([tool]),
            send: (options) => callServerTool(server, tool, args, options),
            ...facts,
          };
        },
      };
    });
}

/**
 * Calls a tool. Never rejects: a failure becomes a result for the model, which says that the call was not sent, failed, or may have been
 * carried out.
 */
async function callServerTool(
  server: SupervisedServer,
  tool: ListedTool,
  args: JsonObject,
  options: SendOptions,
): Promise<ToolResult> {
  const measure = server.meter && new MeasuredCall(server.meter, server, tool, args, options);
  server.calls.began();
  try {
    const result = await callOnce(server, tool, args, options, measure).catch(async () => {
      // The call did not run: the server refused it (NotTaken), or the connection was lost before it was sent. It is sent again.
      await server.untilReadyOrGraceOver(options.signal).catch(() => {});
      return callOnce(server, tool, args, options, measure);
    });
    measure?.ended(result);
    return result;
  } catch (error) {
    measure?.failed("unavailable", error);
    const result = errorResult(`${tool.name} failed: ${passedMessage(error, server.config)}`);
    measure?.ended(result);
    return result;
  } finally {
    server.calls.ended();
  }
}

/**
 * Sends a tool call at most once. Rejects only if the call did not run: with NotTaken, or, if there is no connection to send it over, with the
 * error of `SupervisedServer.connection`.
 */
async function callOnce(
  server: SupervisedServer,
  tool: ListedTool,
  args: JsonObject,
  options: SendOptions,
  measure: MeasuredCall | undefined,
): Promise<ToolResult> {
  const { signal } = options;
  const failed = (why: string, text: string, error?: unknown) => {
    measure?.failed(why, error);
    return errorResult(`${tool.name} ${text}`);
  };
  const starting = server.startForUse(signal);
  if (starting) await starting.catch(() => {});
  if (signal.aborted) return failed("cancelled", "was cancelled before it was sent");
  if (!server.isUsable) return failed("unavailable", `was not called: ${server.condition.sentence}`);
  if (!server.offered.hasNamed(tool)) await server.refresh.rereadAfterPause(signal).catch(() => {});
  // After a postponed start or a restart, the server may offer another tool under the name of the tool that was approved.
  const objection = server.offered.objectionTo(tool);
  if (objection) return failed("outdated", `was not called: ${objection}`);
  const { connection } = server;
  try {
    const result = await connection.callTool(tool, args, options);
    options.onAnswer?.(result);
    const { content, isError } = toToolResult(result);
    if (isError) measure?.failed("tool_error");
    if (connection.hasResources) server.linked.add(content);
    return {
      content: isError || !tool.outputSchema ? content : [...content, ...(await doubts(result, tool.outputSchema))],
      isError,
    };
  } catch (error) {
    if (error instanceof NotTaken && !signal.aborted) throw error;
    if (signal.aborted) return failed("cancelled", "was cancelled before it answered");
    const isAlive = server.isUsable && server.connection === connection;
    const kind = error instanceof McpError ? error.kind : "protocol";
    if (!isAlive) return failed("unavailable", `${noAnswer}: ${server.condition.sentence}`);
    const outcome = error instanceof OutcomeUnknown ? noAnswer : "failed";
    return failed(kind, `${outcome}: ${passedMessage(error, server.config)}`, error);
  }
}

/** The words for a call that may have been carried out, after the tool's name. */
const noAnswer = "did not answer and its outcome is unknown";

/**
 * Longest time that the check of a result is waited for, in ms. The result is stored afterwards: if the host is killed meanwhile, the outcome
 * of the call is unknown.
 */
const longestDoubtMs = 300;

/** Resolves with a note for the model if the result violates the tool's output schema. The result itself is not changed. */
async function doubts(result: JsonObject, outputSchema: JsonSchema): Promise<ContentPart[]> {
  const structured = structuredOf(result);
  const problem =
    structured === undefined
      ? "it has no structured content"
      : await problemIn(structured, outputSchema, { withinMs: longestDoubtMs });
  return problem ? [{ type: "text", text: `[the result is not what the tool's outputSchema says: ${problem}]` }] : [];
}

class MeasuredCall {
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
