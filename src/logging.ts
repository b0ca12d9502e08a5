import { createRequire } from "node:module";
import type { pino } from "pino";
import type { LoggingConfig, LogLevel } from "./core/config.js";
import { endsOf } from "./core/excerpt.js";
import { visibleJson } from "./core/inert.js";
import type { Observe } from "./core/ports.js";
import { clearing, redactedMark } from "./core/redaction.js";

const order: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

/** Passes on events from the level of their module upwards. Never throws: reporting must not end the work it reports. */
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
      // the observer still receives all later events
    }
  };
}

interface LogParts {
  write: (line: string) => void;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Secrets that no line may contain. */
  secrets?: readonly string[];
  /** Most bytes of one text. */
  maxLength: number;
}

/** Fields whose values are always redacted. */
const secretFields = ["authorization", "password", "token", "apiKey", "api_key", "headers.*"];

/** Writes log lines, one JSON object each. Loads the logger with the first line, because most hosts that run one prompt write none. */
export function jsonLog({ write, now, secrets = [], maxLength }: LogParts): Observe {
  let logger: pino.Logger | undefined;
  const clear = clearing(secrets);
  const shown = (text: string) => endsOf(clear(text), maxLength);
  return ({ level, scope, message, fields = {} }) => {
    logger ??= newLogger((line) => write(visibleJson(line)), now);
    logger[level]({ scope, ...(mapTexts(fields, shown) as object) }, shown(message));
  };
}

function newLogger(write: (line: string) => void, now: () => number): pino.Logger {
  // An observation is logged at once, so it cannot wait for an import.
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
