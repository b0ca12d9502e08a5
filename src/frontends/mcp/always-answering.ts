import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ErrorCode, isJSONRPCResultResponse } from "@modelcontextprotocol/sdk/types.js";
import { messageOf } from "../../core/errors.js";

/**
 * The same transport: a result that cannot be sent is an error. What servers answer is passed on as it is, and of lists that are nested
 * too deep no JSON can be made; the SDK would keep that to itself, and the client wait for ever.
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
