import { OAuthError, ServerError, TooManyRequestsError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import type { RemoteServerConfig } from "../../core/config.js";
import { McpError, messageOf } from "../../core/errors.js";
import { isPlainObject } from "../../core/json.js";
import { Unreachable } from "../http/http-request.js";
import { redactor } from "../shared/redact-secrets.js";

const maxReasonChars = 300;

/** A server at which nobody can log in. The message says why, without secrets. */
export class NoLogin extends Error {}

/**
 * Returns an McpError that tells the user what to do, for example which command logs in. The SDK's error is not set as `cause`, because SDK
 * errors repeat the server's whole answer.
 */
export function explainAuth(error: unknown, config: RemoteServerConfig): McpError {
  const { origin, pathname } = new URL(config.url);
  const address = redactor(config)(`${origin}${pathname}`);
  if (isBadMinute(error)) {
    const message = `the authorization server of ${address} does not answer: ${shortReason(error, config)}`;
    return new McpError("unavailable", message, { retryable: true });
  }
  if (error instanceof ServerError || error instanceof NoLogin) {
    const reason = error instanceof NoLogin ? `: ${error.message}` : "";
    const hint = `if it takes a key, set mcpServers.${config.name}.headers.Authorization`;
    return new McpError("needs_auth", `${address} requires authorization, but a login there is not possible${reason}`, {
      hint,
    });
  }
  const known = error instanceof McpError ? error : undefined;
  const message = `${address} wants authorization: ${shortReason(error, config)}`;
  return new McpError("needs_auth", message, { hint: known?.hint || loginHint(config) });
}

export function loginHint({ name }: RemoteServerConfig): string {
  return `run: mcp-platform servers login ${name}`;
}

/**
 * Returns true if the failure is temporary, so that a later attempt may succeed. The SDK also throws ServerError for answers that are not
 * well-formed OAuth errors; the message of such an error contains the HTTP status.
 */
export function isBadMinute(error: unknown): boolean {
  if (error instanceof OAuthError) {
    if (error instanceof ServerError) return !/^HTTP 4(?!08|29)/.test(error.message);
    return error instanceof TooManyRequestsError || error.errorCode === "temporarily_unavailable";
  }
  return error instanceof Unreachable || isTimeout(error);
}

/** Recognises a timeout by its name, because it may come from another JavaScript realm, where `instanceof` would fail. */
export function isTimeout(error: unknown): boolean {
  return isPlainObject(error) && error.name === "TimeoutError";
}

function shortReason(error: unknown, config: RemoteServerConfig): string {
  const code = error instanceof Unreachable ? error.cause.code : undefined;
  return redactor(config)(code ?? messageOf(error)).slice(0, maxReasonChars);
}
