/** Flags shared by several commands. An invalid value throws InvalidArgumentError; commander adds the flag's name to the message. */
import { InvalidArgumentError } from "commander";
import { parseDuration } from "../../core/text/durations.js";

export const modelFlag = ["-m, --model <name>", "model of the active provider, or provider/model"] as const;

/** Collects the values of a repeatable flag. */
export function appended(value: string, all: string[] = []): string[] {
  return [...all, value];
}

export function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError("a whole number is expected");
}

export function port(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text);
  throw new InvalidArgumentError("a port is a whole number from 0 to 65535; 0 chooses a free one");
}

export function positive(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("a whole number from 1 is expected");
}

export function milliseconds(text: string): number {
  const parsed = parseDuration(text);
  if (parsed !== undefined) return parsed;
  throw new InvalidArgumentError("a duration like 90s or 5m is expected");
}
