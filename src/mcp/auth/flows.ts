/**
 * The three ways to get a token: refresh the old token, authorize with the client's own credentials, or let the person log in. Each way
 * stores the token.
 */
import {
  auth,
  discoverOAuthServerInfo,
  type OAuthDiscoveryState,
  refreshAuthorization,
  selectResourceURL,
} from "@modelcontextprotocol/sdk/client/auth.js";
import { InvalidClientError, OAuthError, ServerError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import type { OAuthTokens } from "@modelcontextprotocol/sdk/shared/auth.js";
import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { OAuthConfig } from "../../core/config.js";
import { McpError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import type { AuthFile } from "./auth-file.js";
import { listenForCallback } from "./callback.js";
import { isBadMinute, isTimeout } from "./explain.js";
import { OAuthClient } from "./oauth-client.js";
import type { Reach } from "./reach.js";

export interface Flow {
  serverUrl: string;
  oauth: OAuthConfig;
  file: AuthFile;
  /** A `fetch` that rejects for addresses that `reach` does not allow. */
  fetch: FetchLike;
  reach: Reach;
  resourceMetadataUrl?: URL;
  /** The scopes to request. If undefined, the scopes that the server publishes are requested. */
  scope?: string;
}

/**
 * Renews the tokens with the refresh token. Resolves with false if there is no refresh token, if the server now uses another authorization
 * server, or if the authorization server refuses the refresh token. Rejects on any other failure, which may be temporary, and with McpError
 * if the authorization server's metadata names another issuer.
 */
export async function refresh(flow: Flow): Promise<boolean> {
  const { serverUrl, oauth, file, fetch, resourceMetadataUrl } = flow;
  const { tokens, discovery: known } = file.read();
  if (!tokens?.refresh_token || !known) return false;
  const found = await discoverOAuthServerInfo(serverUrl, { resourceMetadataUrl, fetchFn: fetch });
  // If metadata was known before but is missing now, the known metadata is used, because the failure may be temporary. If the MCP server
  // now names another authorization server, the old tokens are useless.
  const discovery = known.resourceMetadata && !found.resourceMetadata ? known : found;
  if (discovery.authorizationServerUrl !== known.authorizationServerUrl) return false;
  const client = new OAuthClient({ oauth, file, fetch });
  client.saveDiscoveryState(discovery);
  try {
    const renewed = await refreshed(tokens, { serverUrl, client, fetch });
    await file.change({ tokens: renewed, tokensAt: Date.now() });
    return true;
  } catch (error) {
    if (!(error instanceof OAuthError) || error instanceof ServerError || isBadMinute(error)) throw error;
    await file.change({ tokens: undefined, ...(error instanceof InvalidClientError && { client: undefined }) });
    return false;
  }
}

/** Authorizes without a person: with client credentials or with an identity provider's assertion. */
export async function authorizeAlone({ serverUrl, resourceMetadataUrl, ...flow }: Flow): Promise<void> {
  await auth(new OAuthClient(flow), { serverUrl, resourceMetadataUrl, scope: flow.scope, fetchFn: flow.fetch });
}

interface PersonsLogin {
  showPage(page: URL): void;
  signal: AbortSignal;
  /** Returns why the login has failed, as the browser may show it. */
  reasonOf(error: unknown): string;
}

/** Authorizes with the code that a browser brings back to this machine (OAuth 2.1, PKCE). */
export async function authorizeWithPerson(
  { serverUrl, resourceMetadataUrl, ...flow }: Flow,
  { showPage, signal, reasonOf }: PersonsLogin,
): Promise<void> {
  await using callback = await listenForCallback(flow.oauth.callbackPort);
  const client = new OAuthClient({ ...flow, redirectUrl: callback.url });
  const request = { serverUrl, resourceMetadataUrl, scope: flow.scope, fetchFn: flow.fetch };
  await auth(client, request);
  await flow.reach.check(client.page);
  const returned = callback.firstReturn(client.expectedState, signal).catch(async (error: unknown) => {
    await forgetClient(flow, client.page.searchParams.get("client_id"));
    throw isTimeout(error) ? nobodyCameBack(callback.url) : error;
  });
  showPage(client.page);
  const { query, answer } = await returned;
  try {
    await auth(client, { ...request, authorizationCode: codeOf(query, client.discovery) });
  } catch (error) {
    await answer(`Not logged in: ${reasonOf(error)}`);
    throw error;
  }
  await answer("Logged in. You can close this page.");
}

/**
 * Forgets the registered client after a login in vain: maybe the authorization server does not know it any more, and only the browser was told.
 * The next login registers again. Keeps a client with a refresh token, whose refusal would be noticed, and one that another login has registered.
 */
async function forgetClient({ oauth, file }: Pick<Flow, "oauth" | "file">, clientId: string | null): Promise<void> {
  const { client, tokens } = file.read();
  if (oauth.clientId || tokens?.refresh_token || client?.client_id !== clientId) return;
  await file.change({ client: undefined });
}

function nobodyCameBack(callbackUrl: string): McpError {
  const { port } = new URL(callbackUrl);
  return new McpError("needs_auth", "nobody came back from the login page in time", {
    hint: `log in again; if your browser is on another machine, first run there: ssh -L ${port}:127.0.0.1:${port} HOST`,
  });
}

interface Renewal {
  serverUrl: string;
  client: OAuthClient;
  fetch: FetchLike;
}

async function refreshed(tokens: OAuthTokens, { serverUrl, client, fetch }: Renewal): Promise<OAuthTokens> {
  const { discovery } = client;
  const { resourceMetadata } = discovery;
  const clientInformation = await client.clientInformation();
  if (!clientInformation) throw new InvalidClientError("the client that the tokens were issued to is not known");
  const resource = await selectResourceURL(serverUrl, client, resourceMetadata);
  const renewed = await refreshAuthorization(discovery.authorizationServerUrl, {
    metadata: discovery.authorizationServerMetadata,
    clientInformation,
    refreshToken: tokens.refresh_token ?? "",
    // The resource is spelled exactly as in the metadata, because servers compare it character by character. A URL object would add a slash
    // (typescript-sdk#1968).
    resource: resource && (resourceMetadata?.resource ?? resource),
    addClientAuthentication: client.addClientAuthentication,
    fetchFn: fetch,
  });
  return { ...renewed, issuer: tokens.issuer };
}

/**
 * Returns the authorization code from the query that the browser brought back. Throws McpError if the login was refused. Also throws if the
 * query came from an unexpected authorization server, because the code of one server must not be sent to another. Issuers are compared
 * character by character (RFC 9207).
 */
function codeOf(arrived: URLSearchParams, discovery: OAuthDiscoveryState): string {
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
  const reason = arrived.get("error_description") || error || "the login page sent back no code";
  throw new McpError("needs_auth", `the login was refused: ${reason}`);
}
