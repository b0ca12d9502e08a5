import type { RemoteServerConfig, ServerConfig } from "../../core/config.js";

/** Returns a function that removes the server's configured secrets from a text, such as an error message or stderr. */
export function redactor(config: ServerConfig): (text: string) => string {
  const given = config.transport === "stdio" ? secretVariables(config.env) : remoteSecrets(config);
  return (text) =>
    [...given, ...(received.get(config) ?? [])].reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text);
}

/** Adds a secret that `redactor` must remove too, such as a token that the host received for the server. */
export function keepSecret(config: ServerConfig, secret: string): void {
  const secrets = received.get(config) ?? new Set();
  received.set(config, secrets.add(secret));
}

const received = new WeakMap<ServerConfig, Set<string>>();

/** Shortest value that counts as a secret, in characters. Removing shorter values would also remove ordinary words. */
const shortestSecret = 6;

function secretVariables(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env)
    .filter(([name]) => /key|token|secret|pass|auth|credential|cookie/i.test(name))
    .map(([, value]) => value)
    .filter((value) => value.length >= shortestSecret);
}

function remoteSecrets({ headers, oauth }: RemoteServerConfig): string[] {
  return [...headerSecrets(headers), ...(oauth?.clientSecret ? [oauth.clientSecret] : [])];
}

/** Returns the values of the headers, and also each single word of a value: "abc…" from "Bearer abc…". */
function headerSecrets(headers: Readonly<Record<string, string>>): string[] {
  return Object.values(headers)
    .flatMap((value) => [value, ...value.split(/\s+/)])
    .filter((value) => value.length >= shortestSecret && value !== "Bearer");
}
