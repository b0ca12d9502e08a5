import type { OAuthDiscoveryState } from "@modelcontextprotocol/sdk/client/auth.js";
import { McpError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";

/**
 * Returns the authorization code from the query that the browser brought back. Throws McpError if the login was refused, or if another
 * authorization server than the expected one answered: a code of that server must not be sent to this one. Issuers are compared character
 * by character (RFC 9207).
 */
export function codeOf(arrived: URLSearchParams, discovery: OAuthDiscoveryState): string {
  const { authorizationServerUrl, authorizationServerMetadata: metadata } = discovery;
  const issuer = metadata?.issuer ?? authorizationServerUrl;
  const named = arrived.get("iss");
  const { authorization_response_iss_parameter_supported: isAlwaysNamed }: JsonObject = metadata ?? {};
  if (named === null ? isAlwaysNamed === true : named !== issuer) {
    throw new McpError("needs_auth", `the login was answered by ${named ?? "an unnamed server"}, not by ${issuer}`);
  }
  const code = arrived.get("code");
  const error = arrived.get("error");
  if (code && !error) return code;
  const reason = arrived.get("error_description") || error || "no code came back";
  throw new McpError("needs_auth", `the login was refused: ${reason}`);
}
