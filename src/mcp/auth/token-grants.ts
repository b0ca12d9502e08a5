/** Token requests of grants that need no person (RFC 6749, 4.4; RFC 7523, 2.1). */

import { readFile } from "node:fs/promises";
import type { OAuthDiscoveryState } from "@modelcontextprotocol/sdk/client/auth.js";
import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { OAuthConfig } from "../../core/config.js";
import { McpError } from "../../core/errors.js";
import { isPlainObject, textOrEmpty } from "../../core/json.js";

export interface Grant {
  oauth: OAuthConfig;
  discovery: OAuthDiscoveryState;
  scope: string | undefined;
  fetch: FetchLike;
}

/** Resolves with the parameters of the token request. Resolves with undefined for `authorization_code`, the grant that needs a person. */
export async function tokenRequest(grant: Grant): Promise<URLSearchParams | undefined> {
  if (grant.oauth.grant === "authorization_code") return undefined;
  const scope = grant.scope && { scope: grant.scope };
  if (grant.oauth.grant === "client_credentials") {
    return new URLSearchParams({ grant_type: "client_credentials", ...scope });
  }
  const assertion = await identityAssertion(grant);
  return new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion, ...scope });
}

/**
 * Resolves with the assertion for enterprise-managed authorization (MCP extension, SEP-990). The company's identity provider issues the
 * assertion for the user's ID token (RFC 8693), and the MCP server's authorization server accepts it.
 */
async function identityAssertion({ oauth, discovery, scope, fetch }: Grant): Promise<string> {
  if (!oauth.idp) throw new McpError("needs_auth", "oauth.grant cross_app_access needs oauth.idp");
  const { tokenEndpoint, clientId, idTokenFile } = oauth.idp;
  const { authorizationServerUrl, authorizationServerMetadata, resourceMetadata } = discovery;
  const response = await fetch(tokenEndpoint, {
    method: "POST",
    headers: { accept: "application/json" },
    body: new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      requested_token_type: "urn:ietf:params:oauth:token-type:id-jag",
      subject_token: (await readFile(idTokenFile, "utf8")).trim(),
      subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
      audience: authorizationServerMetadata?.issuer ?? authorizationServerUrl,
      client_id: clientId,
      ...(resourceMetadata && { resource: resourceMetadata.resource }),
      ...(scope && { scope }),
    }),
  });
  const answer: unknown = await response.json().catch(() => undefined);
  const assertion = isPlainObject(answer) ? textOrEmpty(answer.access_token) : "";
  if (response.ok && assertion) return assertion;
  const reason = isPlainObject(answer) ? textOrEmpty(answer.error_description) || textOrEmpty(answer.error) : "";
  throw new McpError("needs_auth", `the identity provider refused: ${reason || `HTTP ${response.status}`}`);
}

/**
 * Joins lists of scopes into one list without duplicates, in order of appearance. Each list is a text with spaces between the scopes.
 * Returns undefined if there are no scopes.
 */
export function unionOf(...scopes: readonly (string | undefined)[]): string | undefined {
  return [...new Set(scopes.flatMap(namesOf))].join(" ") || undefined;
}

export function includesAll(scope: string | undefined, wanted: string | undefined): boolean {
  const has = new Set(namesOf(scope));
  return namesOf(wanted).every((name) => has.has(name));
}

function namesOf(scope: string | undefined): string[] {
  return scope?.split(" ").filter(Boolean) ?? [];
}
