import type { ServerConfig } from "../core/config.js";

/** What the user gave this server in confidence must not come back through an error message or the server's stderr. */
export function redactor(config: ServerConfig): (text: string) => string {
  const secrets = config.transport === "stdio" ? secretVariables(config.env) : headerSecrets(config.headers);
  return (text) => secrets.reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text);
}

/** Shorter values would blank out ordinary words. */
const shortestSecret = 6;

function secretVariables(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env)
    .filter(([name]) => /key|token|secret|pass|auth|credential|cookie/i.test(name))
    .map(([, value]) => value)
    .filter((value) => value.length >= shortestSecret);
}

/** Of "Bearer abc…" also "abc…" alone. */
function headerSecrets(headers: Readonly<Record<string, string>>): string[] {
  return Object.values(headers)
    .flatMap((value) => [value, ...value.split(/\s+/)])
    .filter((value) => value.length >= shortestSecret && value !== "Bearer");
}
