import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import { messageOf, RpcError, McpError as ServerError } from "../../core/errors.js";

/**
 * Runs `work`. If it fails because the server answered with an error, rejects with that error. If it fails because the server gave no valid
 * answer, rejects with the SDK's McpError for an internal error. Otherwise, this host refuses the request, and `code` says so.
 */
export async function inProtocol<T>(work: () => Promise<T>, code: number = ErrorCode.InvalidParams): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ServerError)) throw new McpError(code, messageOf(error));
    if (error.cause instanceof RpcError) throw error.cause;
    throw new McpError(error.kind === "not_found" ? code : ErrorCode.InternalError, error.message);
  }
}
