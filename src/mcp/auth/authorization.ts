/**
 * The authorization for one remote server. Provides the token, renews the token if the server refuses it, and requests more scopes if the
 * server demands more.
 */
import type { OAuthConfig, RemoteServerConfig } from "../../core/config.js";
import { McpError } from "../../core/errors.js";
import { keepSecret } from "../shared/redact-secrets.js";
import { AuthFile, type AuthRecord } from "./auth-file.js";
import { explainAuth } from "./explain.js";
import { authorizeAlone, authorizeWithPerson, type Flow, refresh } from "./flows.js";
import { loginFetch } from "./login-fetch.js";
import { Reach } from "./reach.js";
import { includesAll, unionOf } from "./token-grants.js";

export interface AuthOptions {
  folder: string;
  /** Opens the login page for the person. Undefined if no person can log in. */
  showPage?(page: URL): void;
}

/** The demands of a server, from the WWW-Authenticate header of its answer. */
export interface Challenge {
  error?: string;
  scope?: string;
  resourceMetadataUrl?: URL;
}

interface RefusedToken {
  token: string | undefined;
  /** True if the refused token had just been renewed. Another renewal will then not help. */
  isNew: boolean;
}

const renewalTimeoutMs = 30_000;
const loginTimeoutMs = 5 * 60_000;

export class Authorization {
  /** Set while the server cannot be used until somebody logs in. */
  problem: McpError | undefined;
  readonly #config: RemoteServerConfig;
  readonly #oauth: OAuthConfig;
  readonly #showPage: AuthOptions["showPage"];
  readonly #file: AuthFile;
  #renewal: Promise<string> | undefined;

  constructor(config: RemoteServerConfig, { folder, showPage }: AuthOptions) {
    this.#config = config;
    this.#oauth = config.oauth ?? { grant: "authorization_code", signingAlg: "RS256" };
    this.#showPage = showPage;
    this.#file = new AuthFile(folder, config);
  }

  /** Returns the stored access token, which another process may have renewed. */
  token(): string | undefined {
    const { tokens } = this.#file.recent();
    for (const secret of [tokens?.access_token, tokens?.refresh_token]) if (secret) keepSecret(this.#config, secret);
    return tokens?.access_token;
  }

  /**
   * Resolves once the stored token differs from the one that was read last, because somebody has logged in. Rejects when the signal aborts.
   */
  loggedIn(signal: AbortSignal): Promise<void> {
    return this.#file.changed(signal);
  }

  /**
   * Resolves with a token that replaces the refused token. Only one renewal runs at a time, and all callers share its result. Rejects with
   * McpError.
   */
  renew(challenge: Challenge, refused: RefusedToken): Promise<string> {
    this.#renewal ??= this.#renew(challenge, refused).finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  /** Authorizes again, even if the stored token is still valid. Rejects with McpError. */
  async login(challenge: Challenge): Promise<void> {
    try {
      const { wantedScope } = this.#file.read();
      await this.#authorize(challenge, unionOf(this.#oauth.scope, wantedScope, challenge.scope));
    } catch (error) {
      throw explainAuth(error, this.#config);
    }
  }

  async #renew(challenge: Challenge, refused: RefusedToken): Promise<string> {
    const isStepUp = challenge.error === "insufficient_scope";
    try {
      // The lock is released before a person logs in, so that no other process waits for the lock during the login.
      const isDone = await this.#file.locked(() => this.#renewAlone(challenge, refused, isStepUp));
      if (!isDone) await this.#authorize(challenge, this.#scopeFor(this.#file.read(), challenge, isStepUp));
      this.problem = undefined;
      return this.token() ?? "";
    } catch (error) {
      const reason = explainAuth(error, this.#config);
      if (!isStepUp && reason.kind === "needs_auth") this.problem = reason;
      throw reason;
    }
  }

  /** Tries to get a new token without a person. Resolves with true if the stored token now differs from the refused token. */
  async #renewAlone(challenge: Challenge, refused: RefusedToken, isStepUp: boolean): Promise<boolean> {
    const record = this.#file.read();
    if (record.tokens && record.tokens.access_token !== refused.token) return true;
    // A refreshed token has the same scopes as before, so it does not help if the server demands more scopes.
    if (!isStepUp && !refused.isNew && (await refresh(this.#flow(renewalTimeoutMs, challenge)))) return true;
    const scope = this.#scopeFor(record, challenge, isStepUp);
    if (this.#oauth.grant === "authorization_code") {
      if (isStepUp && !this.#showPage) await this.#file.change({ wantedScope: unionOf(record.wantedScope, scope) });
      return false;
    }
    await this.#authorize(challenge, scope);
    return true;
  }

  #scopeFor({ scope }: AuthRecord, challenge: Challenge, isStepUp: boolean): string | undefined {
    if (!isStepUp) return unionOf(this.#oauth.scope, challenge.scope);
    if (!includesAll(scope, challenge.scope)) return unionOf(scope, challenge.scope);
    throw new McpError(
      "needs_auth",
      `it refuses scopes that were already requested: ${challenge.scope ?? scope ?? ""}`,
    );
  }

  async #authorize(challenge: Challenge, scope: string | undefined): Promise<void> {
    if (this.#oauth.grant !== "authorization_code") {
      return authorizeAlone({ ...this.#flow(renewalTimeoutMs, challenge), scope });
    }
    if (!this.#showPage) {
      const what = challenge.error === "insufficient_scope" ? `more rights (${challenge.scope ?? ""})` : "a login";
      throw new McpError("needs_auth", `it needs ${what}`);
    }
    const signal = AbortSignal.timeout(loginTimeoutMs);
    await authorizeWithPerson(
      { ...this.#flow(loginTimeoutMs, challenge), scope },
      { showPage: this.#showPage, signal, reasonOf: (error) => explainAuth(error, this.#config).message },
    );
  }

  #flow(timeoutMs: number, { resourceMetadataUrl }: Challenge): Flow {
    const { idp } = this.#oauth;
    const reach = new Reach(this.#config.url, idp ? [idp.tokenEndpoint] : []);
    return {
      serverUrl: this.#config.url,
      oauth: this.#oauth,
      file: this.#file,
      fetch: loginFetch(this.#config, reach, AbortSignal.timeout(timeoutMs)),
      reach,
      resourceMetadataUrl,
    };
  }
}
