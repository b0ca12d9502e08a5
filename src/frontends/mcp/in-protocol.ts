import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import { messageOf } from "../../core/errors.js";

/** A server's refusal in its own words. Rejects with the SDK's McpError. */
export async function inProtocol<T>(work: () => Promise<T>, code: number = ErrorCode.InvalidParams): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new McpError(code, messageOf(error));
  }
}
