import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import { messageOf } from "../../core/errors.js";

/** Runs `work`. If it fails, rejects with the SDK's McpError, which has the message of the original error. */
export async function inProtocol<T>(work: () => Promise<T>, code: number = ErrorCode.InvalidParams): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new McpError(code, messageOf(error));
  }
}
