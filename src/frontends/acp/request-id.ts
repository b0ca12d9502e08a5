import { RequestError } from "@agentclientprotocol/sdk";
import { asObject } from "./raw-input.js";

/** ACP's prompts have no name of their own; custom fields and their announcement: https://agentclientprotocol.com/protocol/v1/extensibility */
export const requestIdField = "mcp-platform/request-id";

/** What the client calls a prompt, so that sending it again is no second one. Throws RequestError. */
export function requestIdIn(meta: unknown): string | undefined {
  const id = asObject(meta)[requestIdField];
  if (id === undefined || (typeof id === "string" && id !== "")) return id;
  throw RequestError.invalidParams(undefined, `_meta["${requestIdField}"] has to be a text that is not empty`);
}
