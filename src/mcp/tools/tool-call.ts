import { McpError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import type { ContentPart, JsonSchema } from "../../core/messages.js";
import type { SendOptions, ToolResult } from "../../core/ports.js";
import type { ListedTool } from "../lists/listed.js";
import { errorResult, structuredOf, toToolResult } from "../protocol/result-content.js";
import type { SupervisedServer } from "../server/supervised-server.js";
import { NotTaken, OutcomeUnknown } from "../shared/request-failures.js";
import { problemIn } from "../shared/tool-arguments.js";
import { passedMessage } from "./passed-error.js";
import { MeasuredCall } from "./tool-measure.js";

/**
 * Calls a tool. Never rejects: a failure becomes a result for the model, which says that the call was not sent, failed, or may have been
 * carried out.
 */
export async function callServerTool(
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
