import {
  type ClientCapabilities,
  CreateMessageResultWithToolsSchema,
  type ServerRequest,
} from "@modelcontextprotocol/sdk/types.js";
import { type Extra, personTimeoutMs } from "./ask-client.js";

/**
 * Passes a server's sampling request on to the client. The client asks its user and pays for the model. Returns undefined if the client
 * does not support the request. Rejects with the client's error.
 */
export function sampleByClient(
  { _meta: ofTheServersRequest, ...params }: Record<string, unknown>,
  extra: Pick<Extra, "sendRequest" | "signal">,
  capabilities: ClientCapabilities | undefined,
): Promise<Record<string, unknown>> | undefined {
  const { sampling } = capabilities ?? {};
  const hasTools = params.tools !== undefined || params.toolChoice !== undefined;
  if (!sampling || (hasTools && !sampling.tools)) return undefined;
  const request = { method: "sampling/createMessage", params } as ServerRequest;
  const { signal } = extra;
  return extra.sendRequest(request, CreateMessageResultWithToolsSchema, { signal, timeout: personTimeoutMs });
}
