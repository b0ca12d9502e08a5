import type { LogLevel } from "./core/config.js";
import type { Observe } from "./core/ports.js";

const order: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

/** Passes on what is at least that important. */
export function fromLevel(level: LogLevel, observe: Observe): Observe {
  const threshold = order.indexOf(level);
  return (event) => {
    if (order.indexOf(event.level) >= threshold) observe(event);
  };
}

/** Log lines for stderr: one JSON object each. `now` is milliseconds since the epoch. */
export function jsonLog(write: (line: string) => void, now: () => number): Observe {
  return ({ level, scope, message, fields }) =>
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), level, scope, message, ...fields })}\n`);
}
