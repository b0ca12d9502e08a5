import {
  type ClientCapabilities,
  CreateMessageResultWithToolsSchema,
  type ServerRequest,
} from "@modelcontextprotocol/sdk/types.js";
import { type Extra, personTimeoutMs } from "./ask-client.js";

/**
 * A server's wish for a model's words, passed on to the client, which asks its person and pays. Undefined: this client has no model
 * for it. Rejects with what the client said.
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
