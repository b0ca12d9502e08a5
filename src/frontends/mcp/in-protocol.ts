import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import { messageOf } from "../../core/errors.js";

/** Keeps the message of a server's error. Rejects with the SDK's McpError. */
export async function inProtocol<T>(work: () => Promise<T>, code: number = ErrorCode.InvalidParams): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new McpError(code, messageOf(error));
  }
}
