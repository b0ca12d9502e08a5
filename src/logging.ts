import type { LogLevel } from "./core/config.js";
import type { Observe } from "./core/ports.js";

const order: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

/** Passes on what is at least as important as the level then is. */
export function fromLevel(level: () => LogLevel, observe: Observe): Observe {
  return (event) => {
    if (order.indexOf(event.level) >= order.indexOf(level())) observe(event);
  };
}

/** Log lines for stderr: one JSON object each. `now` is milliseconds since the epoch. */
export function jsonLog(write: (line: string) => void, now: () => number): Observe {
  return ({ level, scope, message, fields }) =>
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), level, scope, message, ...fields })}\n`);
}
