import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ErrorCode, isJSONRPCResultResponse } from "@modelcontextprotocol/sdk/types.js";
import { messageOf } from "../../core/errors.js";

/**
 * Makes a transport send an error if a result cannot be sent. A server's result is passed on unchanged and may be nested too deeply to be
 * serialised. The SDK would ignore that failure, and the client would wait for ever.
 */
export function alwaysAnswering<T extends Transport>(transport: T): T {
  const send = transport.send.bind(transport);
  transport.send = async (message, options) => {
    try {
      await send(message, options);
    } catch (error) {
      if (!isJSONRPCResultResponse(message)) throw error;
      const problem = `the answer cannot be sent: ${messageOf(error)}`;
      await send(
        { jsonrpc: "2.0", id: message.id, error: { code: ErrorCode.InternalError, message: problem } },
        options,
      );
    }
  };
  return transport;
}
