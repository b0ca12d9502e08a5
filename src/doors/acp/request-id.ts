import { RequestError } from "@agentclientprotocol/sdk";
import { asObject } from "../../core/json.js";

/**
 * Field in `_meta` that holds the request id of a prompt. ACP has no request ids, but it allows custom fields:
 * https://agentclientprotocol.com/protocol/v1/extensibility
 */
export const requestIdField = "mcp-platform/request-id";

/**
 * Returns the request id that the client gave to a prompt. Prompts with the same id run only once. Throws RequestError if the id is not
 * valid.
 */
export function requestIdIn(meta: unknown): string | undefined {
  const id = asObject(meta)?.[requestIdField];
  if (id === undefined || (typeof id === "string" && id !== "")) return id;
  throw RequestError.invalidParams(undefined, `_meta["${requestIdField}"] must be a text that is not empty`);
}
