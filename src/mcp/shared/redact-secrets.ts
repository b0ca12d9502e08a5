import type { ServerConfig } from "../../core/config.js";
import { serverSecrets } from "../../core/secrets/server-secrets.js";
import { clearing } from "../../core/text/redaction.js";

type Clear = (text: string) => string;

/** Returns a function that removes the server's secrets, however they are encoded, from a text, such as an error message or stderr. */
export function redactor(config: ServerConfig): Clear {
  return (text) => clearOf(config)(text);
}

/** Adds a secret that `redactor` must remove too, such as a token that the host received for the server. */
export function keepSecret(config: ServerConfig, secret: string): void {
  const secrets = received.get(config) ?? new Set();
  if (secrets.has(secret)) return;
  received.set(config, secrets.add(secret));
  clears.delete(config);
}

function clearOf(config: ServerConfig): Clear {
  const known = clears.get(config);
  if (known) return known;
  const clear = clearing([...serverSecrets(config), ...(received.get(config) ?? [])], []);
  clears.set(config, clear);
  return clear;
}

const received = new WeakMap<ServerConfig, Set<string>>();
const clears = new WeakMap<ServerConfig, Clear>();
