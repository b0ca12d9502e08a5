import { remember } from "../../core/async/remember.js";
import type { ServerConfig } from "../../core/config.js";
import { serverSecrets } from "../../core/secrets/server-secrets.js";
import { clearing } from "../../core/text/redaction.js";

type Clear = (text: string) => string;

/** Returns a function that removes the server's secrets, however they are encoded, from a text, such as an error message or stderr. */
export function redactor(config: ServerConfig): Clear {
  return (text) => clearOf(config)(text);
}

/**
 * Most received secrets of a server that are removed. A renewal brings up to five new ones. After 1,000 renewals without this limit, each further
 * one took 100 ms to prepare the removal.
 */
const mostReceived = 32;

/**
 * Adds a secret that `redactor` must remove too, such as a token that the host received for the server. The secrets that were not added again for
 * the longest time are forgotten.
 */
export function keepSecret(config: ServerConfig, secret: string): void {
  const secrets = received.get(config) ?? new Map<string, string>();
  const isKnown = secrets.delete(secret);
  remember(secrets, secret, secret, mostReceived);
  received.set(config, secrets);
  if (!isKnown) clears.delete(config);
}

function clearOf(config: ServerConfig): Clear {
  const known = clears.get(config);
  if (known) return known;
  const clear = clearing([...serverSecrets(config), ...(received.get(config)?.keys() ?? [])], []);
  clears.set(config, clear);
  return clear;
}

const received = new WeakMap<ServerConfig, Map<string, string>>();
const clears = new WeakMap<ServerConfig, Clear>();
