import { messageOf } from "../core/errors.js";
import type { SendOptions, ToolResult } from "../core/ports.js";
import { errorResult } from "./content.js";
import type { Json } from "./json.js";
import type { SupervisedServer } from "./supervised-server.js";

/** Never rejects: what goes wrong is a result that the model can read. Says apart what was not sent and what may have happened. */
export async function callTool(
  server: SupervisedServer,
  name: string,
  args: Json,
  options: SendOptions,
): Promise<ToolResult> {
  if (!server.isUsable) return errorResult(`${name} was not called: ${server.condition.sentence}`);
  const { connection } = server;
  try {
    return await connection.callTool(name, args, options);
  } catch (error) {
    if (options.signal.aborted) return errorResult(`${name} was cancelled before it answered`);
    const isAlive = server.isUsable && server.connection === connection;
    if (isAlive) return errorResult(`${name} failed: ${messageOf(error)}`);
    return errorResult(`${name} did not answer and its outcome is unknown: ${server.condition.sentence}`);
  }
}
