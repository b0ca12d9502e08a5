import type { ServerConfig } from "../../core/config.js";
import { serverSecrets } from "../../core/secrets/server-secrets.js";

/** Returns a function that removes the server's configured secrets from a text, such as an error message or stderr. */
export function redactor(config: ServerConfig): (text: string) => string {
  // Longest first, because a secret may contain another one.
  const given = serverSecrets(config).toSorted((one, other) => other.length - one.length);
  return (text) =>
    [...given, ...(received.get(config) ?? [])].reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text);
}

/** Adds a secret that `redactor` must remove too, such as a token that the host received for the server. */
export function keepSecret(config: ServerConfig, secret: string): void {
  const secrets = received.get(config) ?? new Set();
  received.set(config, secrets.add(secret));
}

const received = new WeakMap<ServerConfig, Set<string>>();
