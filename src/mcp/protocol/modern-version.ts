/** The version that messages of protocol 2026-07-28 carry, and the error of a server that refuses this version. */
import { RpcError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import { clientInfo } from "../shared/client-info.js";

export const modernVersion = "2026-07-28";
/** Code of a server's error if it does not support the protocol version of a request. */
export const unsupportedVersion = -32022;

/** Returns the `_meta` that every message of protocol 2026-07-28 carries. */
export function modernMeta(capabilities: JsonObject): JsonObject {
  return {
    "io.modelcontextprotocol/protocolVersion": modernVersion,
    "io.modelcontextprotocol/clientInfo": clientInfo,
    "io.modelcontextprotocol/clientCapabilities": capabilities,
  };
}

/**
 * Returns true if the error says that the server refuses `initialize`, as modern servers do. Over HTTP the error code is part of the text.
 */
export function isModernOnly(error: unknown): boolean {
  return error instanceof RpcError
    ? error.code === unsupportedVersion
    : String(error).includes(String(unsupportedVersion));
}
