import { createRequire } from "node:module";
import type { pino } from "pino";
import type { LoggingConfig, LogLevel } from "../core/config.js";
import type { Observe } from "../core/ports.js";
import { endsOf } from "../core/text/excerpt.js";
import { unambiguous, visibleJson } from "../core/text/inert.js";
import { clearing, redactedMark } from "../core/text/redaction.js";

const order: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

/**
 * Returns an observer that passes on only the events at or above the level that is configured for their module. The observer never throws,
 * because an error in logging must not end the work that is logged.
 */
export function fromLevel(
  logging: () => Pick<LoggingConfig, "level"> & Partial<Pick<LoggingConfig, "modules">>,
  observe: Observe,
): Observe {
  return (event) => {
    const { level, modules = {} } = logging();
    const least = (Object.hasOwn(modules, event.scope) && modules[event.scope]) || level;
    if (order.indexOf(event.level) < order.indexOf(least)) return;
    try {
      observe(event);
    } catch {
      // an error of `observe` is ignored; the next event is passed to `observe` as usual
    }
  };
}

interface LoggingParts {
  write: (line: string) => void;
  /** Returns the current time in ms since the epoch. */
  now: () => number;
  secrets?: readonly string[];
  /** Maximum length of one text, in bytes. A longer text keeps only its two ends. */
  maxLength: number;
}

/** Returns an observer that writes log lines: for people if stderr is a terminal and no other format is configured, else as JSON. */
export function stderrLines({ format, ...parts }: LoggingParts & Pick<LoggingConfig, "format">): Observe {
  return process.stderr.isTTY && format === "auto" ? plainLog(parts) : jsonLog(parts);
}

/** Returns an observer that writes lines for people: the module and the message. */
export function plainLog({ write, secrets = [], maxLength }: Omit<LoggingParts, "now">): Observe {
  const clear = clearing(secrets);
  const oneLine = (text: string) => unambiguous(text).replaceAll(/\s+/g, " ").trim();
  return ({ scope, message }) => write(`${oneLine(`${scope}: ${endsOf(clear(message), maxLength)}`)}\n`);
}

/** Fields whose values are always redacted. */
const secretFields = ["authorization", "password", "token", "apiKey", "api_key", "headers.*"];

/**
 * Returns an observer that writes log lines, each a JSON object. Loads the logging library only for the first line, because most hosts that
 * run a single prompt log nothing.
 */
export function jsonLog({ write, now, secrets = [], maxLength }: LoggingParts): Observe {
  let logger: pino.Logger | undefined;
  const clear = clearing(secrets);
  const shown = (text: string) => endsOf(clear(text), maxLength);
  return ({ level, scope, message, fields = {} }) => {
    logger ??= newLogger((line) => write(visibleJson(line)), now);
    logger[level]({ scope, ...(mapTexts(fields, shown) as object) }, shown(message));
  };
}

function newLogger(write: (line: string) => void, now: () => number): pino.Logger {
  // Observations are logged synchronously, so `require` is used: `import` would have to be awaited.
  const load = createRequire(import.meta.url)("pino") as typeof pino;
  const options: pino.LoggerOptions = {
    level: "debug",
    base: undefined,
    messageKey: "message",
    timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
    formatters: { level: (level) => ({ level }) },
    redact: { paths: secretFields, censor: redactedMark },
  };
  return load(options, { write });
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (typeof value !== "object" || value === null || value instanceof Error) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapTexts(inner, change)]));
}
