import { createRequire } from "node:module";
import type { pino } from "pino";
import type { LoggingConfig, LogLevel } from "./core/config.js";
import { endsOf } from "./core/excerpt.js";
import { visibleJson } from "./core/inert.js";
import type { Observe } from "./core/ports.js";
import { clearing, redactedMark } from "./core/redaction.js";

const order: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

/** Passes on what is at least as important as its module then asks for. Never throws: what is told of the work does not end it. */
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
      // whoever observes is told of everything else all the same
    }
  };
}

interface LogParts {
  write: (line: string) => void;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** What no line may say. */
  secrets?: readonly string[];
  /** Bytes of one text. */
  maxLength: number;
}

/** What a field of this name holds is nobody's business, whatever it is. */
const secretFields = ["authorization", "password", "token", "apiKey", "api_key", "headers.*"];

/** Log lines: one JSON object each. The logger is loaded with the first of them: most hosts that run one prompt write none. */
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
  // An observation is told at once, and so cannot wait for an import.
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
