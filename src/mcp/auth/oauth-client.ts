/** This host's side of one authorization, as an OAuth client: its metadata, its requests, and the storage of the results. */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import type {
  AddClientAuthentication,
  OAuthClientProvider,
  OAuthDiscoveryState,
} from "@modelcontextprotocol/sdk/client/auth.js";
import { createPrivateKeyJwtAuth } from "@modelcontextprotocol/sdk/client/auth-extensions.js";
import type { OAuthClientInformationMixed, OAuthTokens } from "@modelcontextprotocol/sdk/shared/auth.js";
import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { OAuthConfig } from "../../core/config.js";
import { McpError } from "../../core/errors.js";
import type { AuthFile } from "./auth-file.js";
import { NoLogin } from "./explain.js";
import { tokenRequest, unionOf } from "./token-grants.js";

interface ClientParts {
  oauth: OAuthConfig;
  file: AuthFile;
  fetch: FetchLike;
  scope?: string;
  /** The address to which the login page sends the browser back. Undefined for a grant that needs no person. */
  redirectUrl?: string;
}

const refreshScope = "offline_access";

export class OAuthClient implements OAuthClientProvider {
  readonly state = () => this.expectedState;
  readonly expectedState = randomUUID();
  readonly addClientAuthentication: AddClientAuthentication | undefined;
  #page: URL | undefined;
  #verifier = "";
  #discovery: OAuthDiscoveryState | undefined;
  readonly #parts: ClientParts;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.addClientAuthentication = signedWith(parts.oauth);
  }

  get redirectUrl(): string | undefined {
    return this.#parts.redirectUrl;
  }

  get clientMetadataUrl(): string | undefined {
    return this.#parts.oauth.clientMetadataUrl;
  }

  get clientMetadata() {
    const { redirectUrl, scope } = this.#parts;
    const methods = this.#discovery?.authorizationServerMetadata?.token_endpoint_auth_methods_supported;
    return {
      client_name: "MCP-Platform",
      application_type: "native",
      redirect_uris: redirectUrl ? [redirectUrl] : [],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      // This host is a public client: anybody can read its program, so the program cannot keep a client secret.
      ...(methods?.includes("none") && { token_endpoint_auth_method: "none" }),
      ...(scope && { scope }),
    };
  }

  get page(): URL {
    if (!this.#page) throw new McpError("needs_auth", "the authorization server has no page to log in");
    return this.#page;
  }

  get discovery(): OAuthDiscoveryState {
    if (!this.#discovery) throw new McpError("needs_auth", "the authorization server is not known");
    return this.#discovery;
  }

  /**
   * Returns the authorization server that was discovered during this authorization. An earlier discovery is not used, because the code must
   * go to the server whose login page the person saw.
   */
  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovery;
  }

  /**
   * Stores the discovered authorization server. Throws if its metadata names another issuer, or if a person shall log in at a server that
   * does not declare PKCE. The checks come first, so that nothing is registered at a server that is refused.
   */
  saveDiscoveryState(state: OAuthDiscoveryState): void {
    checkIssuer(state);
    if (this.redirectUrl) checkPkce(state);
    this.#discovery = state;
  }

  /**
   * Resolves with the configured client, or else with the registered client. Resolves with undefined if the client was registered for
   * another redirect URL.
   */
  async clientInformation(): Promise<OAuthClientInformationMixed | undefined> {
    const { oauth, file, redirectUrl } = this.#parts;
    const { client } = file.read();
    if (oauth.clientId) {
      const { clientId, clientSecret } = oauth;
      const issuer = client?.client_id === clientId ? client.issuer : undefined;
      return { client_id: clientId, ...(clientSecret && { client_secret: clientSecret }), ...(issuer && { issuer }) };
    }
    const fits = !client || !redirectUrl || !("redirect_uris" in client) || client.redirect_uris.includes(redirectUrl);
    return fits ? client : undefined;
  }

  /**
   * Stores a registered client. If the user configured the client, stores only its id and the first authorization server that accepted it,
   * so that no other server gets the client's secret.
   */
  async saveClientInformation(client: OAuthClientInformationMixed): Promise<void> {
    const { oauth, file } = this.#parts;
    await file.change({ client: oauth.clientId ? { client_id: oauth.clientId, issuer: client.issuer } : client });
  }

  /**
   * Returns undefined, so that the SDK has no tokens. This host refreshes tokens itself (`flows.ts`). If the SDK had a refresh token, the
   * SDK would use it even for a request for more scopes (typescript-sdk#2255).
   */
  tokens(): undefined {}

  async saveTokens(tokens: OAuthTokens): Promise<void> {
    const { file, scope } = this.#parts;
    const asked = this.#page?.searchParams.get("scope") ?? scope;
    await file.change({
      tokens,
      discovery: this.#discovery,
      scope: unionOf(asked, tokens.scope),
      wantedScope: undefined,
      tokensAt: Date.now(),
    });
  }

  /**
   * Stores the address of the login page. Adds the scope `offline_access` if the server publishes it (SEP-2207), so that nobody has to log
   * in every hour.
   */
  redirectToAuthorization(page: URL): void {
    const metadata = this.#discovery?.authorizationServerMetadata;
    const scope = page.searchParams.get("scope");
    if (scope && metadata?.scopes_supported?.includes(refreshScope)) {
      page.searchParams.set("scope", unionOf(scope, refreshScope) ?? scope);
      page.searchParams.set("prompt", "consent");
    }
    this.#page = page;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  async invalidateCredentials(what: "all" | "client" | "tokens" | "verifier" | "discovery"): Promise<void> {
    if (what === "all" || what === "client") await this.#parts.file.change({ client: undefined, tokens: undefined });
  }

  prepareTokenRequest(): Promise<URLSearchParams | undefined> {
    const { oauth, fetch, scope } = this.#parts;
    const published = this.discovery.resourceMetadata?.scopes_supported;
    return tokenRequest({ oauth, discovery: this.discovery, scope: scope ?? unionOf(...(published ?? [])), fetch });
  }
}

/**
 * Returns a function that authenticates requests with the configured private key (RFC 7523, 2.2). Returns undefined if no key is
 * configured; the SDK then chooses a method that the server accepts.
 */
function signedWith({ clientId = "", privateKeyFile, signingAlg }: OAuthConfig): AddClientAuthentication | undefined {
  if (!privateKeyFile) return undefined;
  return async (...request) => {
    const privateKey = await readFile(privateKeyFile, "utf8");
    await createPrivateKeyJwtAuth({ issuer: clientId, subject: clientId, privateKey, alg: signingAlg })(...request);
  };
}

/**
 * Throws McpError if the issuer in the metadata is not the server from which the metadata came (RFC 8414, 3.3). Otherwise a hostile server
 * could name the login page of another server and its own token endpoint, and so get the code of the other server. A server of MCP
 * 2025-03-26 has no resource metadata that could name its issuer exactly, so any issuer of its own origin is accepted.
 */
function checkIssuer(discovery: OAuthDiscoveryState): void {
  const { authorizationServerUrl: url, authorizationServerMetadata: metadata, resourceMetadata } = discovery;
  if (!metadata) return;
  const { issuer } = metadata;
  if (resourceMetadata ? isSameIssuer(issuer, url) : isSameOrigin(issuer, url)) return;
  throw new McpError("needs_auth", `${url} names another issuer (${issuer}), so it is not trusted`);
}

/**
 * Throws if the server does not declare PKCE, which the MCP specification demands: without PKCE, anybody who sees the authorization code
 * could use it. A server of MCP 2025-03-26, which has neither resource metadata nor other metadata, cannot declare it. That specification
 * demands PKCE of all its servers, and its login stays within the server's origin.
 */
function checkPkce({ authorizationServerMetadata: metadata, resourceMetadata }: OAuthDiscoveryState): void {
  if (!metadata && !resourceMetadata) return;
  if (!metadata) throw new NoLogin("its authorization server publishes no metadata");
  if (metadata.code_challenge_methods_supported?.includes("S256")) return;
  const message = `${metadata.issuer} does not say that it supports PKCE (code_challenge_methods_supported: S256)`;
  throw new McpError("needs_auth", `${message}: a login there is refused`);
}

function isSameIssuer(one: string, other: string): boolean {
  return one.replace(/\/$/, "") === other.replace(/\/$/, "");
}

function isSameOrigin(one: string, other: string): boolean {
  return URL.canParse(one) && new URL(one).origin === new URL(other).origin;
}
