import type { ContentPart } from "../core/chat.js";
import { McpError, messageOf } from "../core/errors.js";
import type { SendOptions, ToolResult } from "../core/ports.js";
import { errorResult, structuredOf, toToolResult } from "./content.js";
import type { Json } from "./json.js";
import type { ListedTool } from "./listed.js";
import { NotTaken } from "./peer.js";
import { problemIn } from "./schema.js";
import type { SupervisedServer } from "./supervised-server.js";
import { measured, type NoteFailure } from "./tool-measure.js";

/** Never rejects: what goes wrong is a result that the model can read. Says apart what was not sent and what may have happened. */
export function callTool(
  server: SupervisedServer,
  tool: ListedTool,
  args: Json,
  options: SendOptions,
): Promise<ToolResult> {
  return measured(server, tool, args, options, async (noteFailure) => {
    const once = () => callOnce(server, tool, args, { ...options, noteFailure });
    try {
      return await once();
    } catch {
      // The session was lost, and the call with it: nothing was done.
      await server.settled(options.signal).catch(() => {});
      return once().catch((error: unknown) => {
        noteFailure("unavailable", error);
        return errorResult(`${tool.name} failed: ${messageOf(error)}`);
      });
    }
  });
}

/** Rejects with NotTaken only. */
async function callOnce(
  server: SupervisedServer,
  tool: ListedTool,
  args: Json,
  { noteFailure, ...options }: SendOptions & { noteFailure: NoteFailure },
): Promise<ToolResult> {
  const { name } = tool;
  const failed = (why: string, text: string, error?: unknown) => {
    noteFailure(why, error);
    return errorResult(`${name} ${text}`);
  };
  await server.awake(options.signal).catch(() => {});
  if (!server.isUsable) return failed("unavailable", `was not called: ${server.condition.sentence}`);
  if (!server.offer.has(tool)) await server.listedLate(options.signal).catch(() => {});
  // A server that was not there yet, or restarted, may have come with another tool than the one that was shown and approved.
  const objection = server.offer.objectionTo(tool);
  if (objection) return failed("outdated", `was not called: ${objection}`);
  const { connection } = server;
  try {
    const result = await connection.callTool(tool, args, options);
    options.onAnswer?.(result);
    const { content, isError } = toToolResult(result);
    if (isError) noteFailure("tool_error");
    if (connection.hasResources) server.linked.add(content);
    return { content: isError ? content : [...content, ...doubts(result, tool)], isError };
  } catch (error) {
    if (error instanceof NotTaken && !options.signal.aborted) throw error;
    if (options.signal.aborted) return failed("cancelled", "was cancelled before it answered");
    const isAlive = server.isUsable && server.connection === connection;
    const kind = error instanceof McpError ? error.kind : "protocol";
    if (isAlive) return failed(kind, `failed: ${messageOf(error)}`, error);
    return failed("unavailable", `did not answer and its outcome is unknown: ${server.condition.sentence}`);
  }
}

/** A result that is not what the tool promised is still the result: the model gets it, and is told. */
function doubts(result: Json, { outputSchema }: ListedTool): ContentPart[] {
  if (!outputSchema) return [];
  const structured = structuredOf(result);
  const problem = structured === undefined ? "it has no structured content" : problemIn(structured, outputSchema);
  return problem ? [{ type: "text", text: `[the result is not what the tool's outputSchema says: ${problem}]` }] : [];
}
