/** Chooses the token that callers of `serve` must send. */
import { randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { ServeConfig } from "../../core/config.js";
import type { Environment } from "../../core/environment.js";
import { messageOf, RequestError } from "../../core/errors.js";
import { keptSecret } from "../../core/files/kept-secret.js";
import { stateFolder } from "../../core/files/state-folder.js";
import { isLoopback } from "../../core/text/networks.js";
import type { ShownToken } from "../../doors/http/serve.js";

export interface TokenFlags {
  /** False if `--no-token` was given. */
  token?: false;
  tokenFile?: string;
}

interface DoorToken extends ShownToken {
  /** Undefined if callers need no token. */
  token: string | undefined;
  notices: string[];
}

const leastLength = 16;
const risk =
  "started without a token: every account and every program of this machine can use your tools, answer your approvals and read your conversations";

/**
 * Returns the token for callers, or no token if `--no-token` was given. Otherwise the first that exists is used: the token in
 * `--token-file`, the setting `serve.token`, the token that all hosts of this user share. Throws RequestError if `--no-token` or the token
 * file cannot be used.
 */
export function doorToken(flags: TokenFlags, { host, token }: ServeConfig, env: Environment): DoorToken {
  if (flags.token === false) return withoutToken(host);
  if (flags.tokenFile !== undefined) return tokenOfFile(flags.tokenFile);
  if (token !== undefined) return { token, location: "serve.token", isMade: false, notices: [] };
  const file = stateFolder(env, "serve-token");
  try {
    return { token: keptSecret(file), location: file, isMade: true, notices: [] };
  } catch (error) {
    const notice = `the token is for this run only, because ${file} cannot be kept: ${messageOf(error)}`;
    return { token: randomBytes(32).toString("base64url"), location: undefined, isMade: true, notices: [notice] };
  }
}

function withoutToken(host: string): DoorToken {
  if (isLoopback(host)) return { token: undefined, location: undefined, isMade: false, notices: [risk] };
  throw new RequestError("usage", `--no-token is only for loopback addresses, and other machines can reach ${host}`, {
    hint: "leave --no-token out, or listen on 127.0.0.1 behind a proxy that authenticates callers",
  });
}

function tokenOfFile(file: string): DoorToken {
  let token: string;
  try {
    token = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new RequestError("usage", `cannot read the token file ${file}: ${messageOf(error)}`, { cause: error });
  }
  if (token.length < leastLength || /\s/.test(token)) {
    const hint = "write one with: openssl rand -hex 24";
    throw new RequestError("usage", `${file} has to hold one token of at least ${leastLength} characters`, { hint });
  }
  const isPublic = process.platform !== "win32" && (statSync(file).mode & 0o004) !== 0;
  const notices = isPublic
    ? [`every account of this machine can read the token in ${file} (chmod 600 changes that)`]
    : [];
  return { token, location: file, isMade: false, notices };
}
