import type { LogLevel } from "./core/config.js";
import type { Observe } from "./core/ports.js";

const order: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

/** Log lines for stderr: one JSON object each, from `level` upwards. `now` is milliseconds since the epoch. */
export function createLog(level: LogLevel, write: (line: string) => void, now: () => number): Observe {
  const threshold = order.indexOf(level);
  return ({ level: eventLevel, scope, message, fields }) => {
    if (order.indexOf(eventLevel) < threshold) return;
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), level: eventLevel, scope, message, ...fields })}\n`);
  };
}
