import { remember } from "../../core/async/remember.js";
import type { ServerConfig } from "../../core/config.js";
import { messageOf, RpcError } from "../../core/errors.js";
import { isWritable, parseJson } from "../../core/json.js";
import { serverSecrets } from "../../core/secrets/server-secrets.js";
import { beginningOf } from "../../core/text/excerpt.js";
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

/**
 * Maximum length of an error's message, and of its `data` as JSON, in characters. The removal of secrets from an error of 64 MB would stop the
 * host for seconds.
 */
const maxErrorChars = 64 * 1024;

/**
 * Returns a server's error as clients get it. `redact` removes secrets from a text. `data` is left out if it is too long, if it is nested too
 * deep to be sent, or if it is not JSON any more without the secrets.
 */
export function passedError({ code, message, data }: RpcError, redact: (text: string) => string): RpcError {
  return new RpcError(code, redact(beginningOf(message, maxErrorChars)), passedData(data, redact));
}

/** Returns the message of a server's error as models and clients get it, without the secrets of the server's configuration. */
export function passedMessage(error: unknown, config: ServerConfig): string {
  return redactor(config)(beginningOf(messageOf(error), maxErrorChars));
}

function passedData(data: unknown, redact: (text: string) => string): unknown {
  if (data === undefined || !isWritable(data)) return undefined;
  const json = JSON.stringify(data);
  return json.length > maxErrorChars ? undefined : parseJson(redact(json));
}
