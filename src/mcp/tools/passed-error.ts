import type { ServerConfig } from "../../core/config.js";
import { messageOf, RpcError } from "../../core/errors.js";
import { isWritable, parseJson } from "../../core/json.js";
import { beginningOf } from "../shared/beginning.js";
import { redactor } from "../shared/redact-secrets.js";

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
