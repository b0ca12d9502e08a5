import type { ConfiguredServer, RemoteServerConfig } from "../../core/config.js";
import { RequestError } from "../../core/errors.js";
import { type JsonObject, textOrEmpty } from "../../core/json.js";
import { nearest } from "../../core/text/nearest.js";
import { discard, exchange } from "../http/http-request.js";
import { withinOrigin } from "../http/redirects.js";
import { AuthFile, type AuthRecord } from "./auth-file.js";
import { type AuthOptions, Authorization, type Challenge } from "./authorization.js";
import { challengeOf } from "./authorized.js";
import { loginHint } from "./explain.js";
import { loginFetch } from "./login-fetch.js";
import { Reach } from "./reach.js";

const probeTimeoutMs = 10_000;

export class Logins {
  readonly #servers: readonly ConfiguredServer[];
  readonly #options: AuthOptions;

  constructor(servers: readonly ConfiguredServer[], options: AuthOptions) {
    this.#servers = servers;
    this.#options = options;
  }

  /**
   * Logs in, even if the stored token is still valid. Resolves with the new status as text. Rejects with McpError if the login fails, or
   * with RequestError if there is no such server or the server is not a remote server.
   */
  async login(name: string): Promise<string> {
    const config = this.#remote(name);
    if (config.refusal) throw new RequestError("usage", `${name}: ${config.refusal}`);
    await new Authorization(config, this.#options).login(await challengeFrom(config));
    return this.status(name);
  }

  /** Deletes the stored tokens, and asks the authorization server to revoke them. Resolves with the outcome as text. */
  async logout(name: string): Promise<string> {
    const file = this.#file(name);
    const record = file.read();
    await file.remove();
    await revoke(this.#remote(name), record);
    return record.tokens ? `${name}: logged out` : `${name}: was not logged in`;
  }

  async status(name: string): Promise<string> {
    const { tokens, scope, wantedScope, tokensAt = 0 } = this.#file(name).read();
    if (!tokens) return `${name}: not logged in (${loginHint(this.#remote(name))})`;
    const { issuer, expires_in: lifeSeconds, refresh_token: renewable } = tokens;
    // An authorization server may send any number. A time that no date can express is not shown.
    const end = new Date(tokensAt + (lifeSeconds ?? Number.NaN) * 1000);
    return [
      `${name}: logged in at ${issuer}`,
      ...(scope ? [`scopes: ${scope}`] : []),
      ...(wantedScope ? [`requires more scopes at the next login: ${wantedScope}`] : []),
      ...(Number.isNaN(end.getTime())
        ? []
        : [`token until ${end.toISOString()}, then ${renewable ? "renewed by itself" : "a new login"}`]),
    ].join("\n  ");
  }

  #file(name: string): AuthFile {
    return new AuthFile(this.#options.folder, this.#remote(name));
  }

  #remote(name: string): RemoteServerConfig {
    const config = this.#servers.find((server) => server.name === name);
    if (!config) {
      const near = nearest(
        name,
        this.#servers.map((server) => server.name),
        1,
      );
      const guess = near[0] ? ` (did you mean ${near[0]}?)` : "";
      throw new RequestError("usage", `there is no server ${name} in mcpServers${guess}`);
    }
    if (config.transport !== "stdio") return config;
    throw new RequestError("usage", `${name} runs on this machine, so it has no login`);
  }
}

/**
 * Sends a request without a token and resolves with the server's demand for authorization. The demand is empty if the server demands none
 * or does not answer.
 */
async function challengeFrom({ url, transport }: RemoteServerConfig): Promise<Challenge> {
  const signals = [AbortSignal.timeout(probeTimeoutMs)];
  const accept = "text/event-stream";
  const get = { method: "GET", headers: { accept } } as const;
  const post = {
    method: "POST",
    headers: { "content-type": "application/json", accept: `application/json, ${accept}` },
    body: JSON.stringify({ jsonrpc: "2.0", id: 0, method: "ping" }),
  } as const;
  try {
    const answer = await withinOrigin(exchange)({ ...(transport === "sse" ? get : post), url: new URL(url), signals });
    discard(answer);
    return challengeOf(answer.status, answer.headers["www-authenticate"]) ?? {};
  } catch {
    return {};
  }
}

/** Revokes the tokens (RFC 7009) if the authorization server offers revocation. Ignores failures. */
async function revoke(config: RemoteServerConfig, { tokens, client, discovery }: AuthRecord): Promise<void> {
  const metadata: JsonObject = discovery?.authorizationServerMetadata ?? {};
  const endpoint = textOrEmpty(metadata.revocation_endpoint);
  if (!endpoint || !tokens || !client) return;
  const body = new URLSearchParams({ token: tokens.refresh_token ?? tokens.access_token, client_id: client.client_id });
  if (client.client_secret) body.set("client_secret", client.client_secret);
  const send = loginFetch(config, new Reach(config.url), AbortSignal.timeout(probeTimeoutMs));
  await send(endpoint, { method: "POST", body })
    .then((response) => response.body?.cancel())
    .catch(() => {});
}
