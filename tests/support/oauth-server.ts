import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface OAuthServer extends AsyncDisposable {
  /** URL of the MCP endpoint. */
  url: string;
  issuer: string;
  /** Requests in order, as `METHOD /path`, with the grant of token requests and the method of MCP requests. */
  seen: string[];
  /** Parameters of every authorization and token request. */
  asked: URLSearchParams[];
  registered: Record<string, unknown>[];
  /** Refuses every access token that was issued so far. */
  expire(): void;
  /** Refuses refresh tokens too. */
  revoke(): void;
}

interface Behaviour {
  /** Tools that need another scope than `basic`. */
  scopes?: Record<string, string>;
  /** Adds parameters to the redirect of the browser, next to the code. */
  answer?: (answer: URLSearchParams) => void;
  /** Replaces fields of the authorization server's metadata. If null, there is no metadata. */
  metadata?: Record<string, unknown> | null;
  /** If false, the MCP server does not publish which authorization server it uses (a server of MCP 2025-03-26). */
  resourceMetadata?: boolean;
  /** Addresses to which the answers to requests lead (307), by the path and query of the request. */
  redirects?: Record<string, string>;
  /** Descriptions of the errors with which requests are refused (400), by the path. */
  refusals?: Record<string, string>;
  /** True if the token endpoint refuses every request and repeats the request in its error. */
  echoes?: boolean;
  /** Fields that the registration adds to the client, such as its secret. */
  client?: Record<string, unknown>;
  /** Status of the token endpoint. */
  tokenStatus?: number;
  /** The lifetime of access tokens that the server names, in seconds. */
  expiresIn?: number;
  /** Delay of the answer to a token request, in ms. */
  tokenDelayMs?: number;
  /** Called when a tool call has been accepted. The call is answered when the promise resolves. */
  accepted?: (tool: string) => Promise<void> | undefined;
}

/** Starts an authorization server and the MCP server that it protects, on one port. Refresh tokens rotate: a second use is refused. */
export async function oauthServer(behaviour: Behaviour = {}): Promise<OAuthServer> {
  const seen: string[] = [];
  const asked: URLSearchParams[] = [];
  const registered: Record<string, unknown>[] = [];
  const codes = new Map<string, { challenge: string; scope: string }>();
  const access = new Map<string, string>();
  const renewable = new Map<string, string>();
  let origin = "";

  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const url = new URL(request.url ?? "/", origin);
    const send = (status: number, body: unknown, headers = {}) =>
      void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
    const line = `${request.method} ${url.pathname}`;
    const location = behaviour.redirects?.[request.url ?? ""];
    if (location) return send(307, {}, { location });
    const errorDescription = behaviour.refusals?.[url.pathname];
    if (errorDescription) return send(400, { error: "invalid_request", error_description: errorDescription });
    if (line === "POST /token" && behaviour.echoes) {
      asked.push(new URLSearchParams(text));
      const errorDescription = `you sent ${request.headers.authorization} ${text}`;
      return send(400, { error: "invalid_request", error_description: errorDescription });
    }
    if (line === "POST /token") return token(new URLSearchParams(text), send);
    if (line === "POST /mcp") return mcp(request, JSON.parse(text), send);
    seen.push(line);
    if (behaviour.resourceMetadata !== false && url.pathname === "/.well-known/oauth-protected-resource/mcp") {
      return send(200, { resource: `${origin}/mcp`, authorization_servers: [origin] });
    }
    if (behaviour.metadata !== null && url.pathname === "/.well-known/oauth-authorization-server") {
      return send(200, metadata());
    }
    if (line === "POST /register") {
      const client = JSON.parse(text);
      registered.push(client);
      return send(201, { ...client, client_id: "registered-1", ...behaviour.client });
    }
    if (line === "GET /authorize") return authorize(url.searchParams, response);
    return send(line === "POST /revoke" ? 200 : 404, {});
  });

  type Send = (status: number, body: unknown, headers?: Record<string, string>) => void;

  const metadata = () => ({
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    registration_endpoint: `${origin}/register`,
    revocation_endpoint: `${origin}/revoke`,
    response_types_supported: ["code"],
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: ["none", "client_secret_basic", "private_key_jwt"],
    ...behaviour.metadata,
  });

  function authorize(query: URLSearchParams, response: ServerResponse) {
    asked.push(query);
    const code = randomUUID();
    codes.set(code, { challenge: query.get("code_challenge") ?? "", scope: query.get("scope") ?? "" });
    const back = new URL(query.get("redirect_uri") ?? "");
    back.searchParams.set("code", code);
    back.searchParams.set("state", query.get("state") ?? "");
    behaviour.answer?.(back.searchParams);
    response.writeHead(302, { location: back.href }).end();
  }

  async function token(body: URLSearchParams, send: Send) {
    const grant = body.get("grant_type");
    seen.push(`POST /token ${grant}`);
    asked.push(body);
    if (behaviour.tokenDelayMs) await new Promise((done) => setTimeout(done, behaviour.tokenDelayMs));
    if (behaviour.tokenStatus) return send(behaviour.tokenStatus, { error: "server_error" });
    const scope = granted(grant ?? "", body);
    if (scope === undefined) return send(400, { error: "invalid_grant", error_description: "no such grant" });
    const accessToken = `access-${randomUUID()}`;
    const refreshToken = `refresh-${randomUUID()}`;
    access.set(accessToken, scope);
    if (grant !== "client_credentials") renewable.set(refreshToken, scope);
    return send(200, {
      access_token: accessToken,
      token_type: "Bearer",
      expires_in: behaviour.expiresIn ?? 3600,
      scope,
      ...(grant !== "client_credentials" && { refresh_token: refreshToken }),
    });
  }

  function granted(grant: string, body: URLSearchParams): string | undefined {
    if (grant === "client_credentials") return body.get("scope") ?? "basic";
    if (grant === "refresh_token") {
      const scope = renewable.get(body.get("refresh_token") ?? "");
      renewable.delete(body.get("refresh_token") ?? "");
      return scope;
    }
    const code = codes.get(body.get("code") ?? "");
    const challenge = createHash("sha256")
      .update(body.get("code_verifier") ?? "")
      .digest("base64url");
    return code?.challenge === challenge ? code.scope : undefined;
  }

  async function mcp(
    { headers }: IncomingMessage,
    message: { id?: number; method: string; params: never },
    send: Send,
  ) {
    seen.push(`POST /mcp ${message.method}`);
    const scope = access.get(headers.authorization?.replace("Bearer ", "") ?? "");
    const { name, arguments: args, protocolVersion } = (message.params ?? {}) as Record<string, string>;
    const wanted = (message.method === "tools/call" && behaviour.scopes?.[name ?? ""]) || "basic";
    const refusal = (error: string) => ({
      "www-authenticate": `Bearer error="${error}", scope="${wanted}", resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`,
    });
    if (scope === undefined) return send(401, { error: `not ${headers.authorization}` }, refusal("invalid_token"));
    if (!scope.split(" ").includes(wanted)) return send(403, {}, refusal("insufficient_scope"));
    if (message.id === undefined) return send(202, {});
    const tools = ["echo", ...Object.keys(behaviour.scopes ?? {})].map((tool) => ({
      name: tool,
      inputSchema: { type: "object" },
    }));
    const results: Record<string, unknown> = {
      initialize: { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "guarded", version: "1" } },
      "tools/list": { tools },
      "tools/call": { content: [{ type: "text", text: JSON.stringify(args) }] },
    };
    if (message.method === "tools/call") await behaviour.accepted?.(name ?? "");
    return send(200, { jsonrpc: "2.0", id: message.id, result: results[message.method] ?? {} });
  }

  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${origin}/mcp`,
    issuer: origin,
    seen,
    asked,
    registered,
    expire: () => access.clear(),
    revoke() {
      access.clear();
      renewable.clear();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
