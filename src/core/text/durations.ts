const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses `30s`, `1.5m`, `500ms`, `1h`, `90d` to milliseconds. Returns undefined for anything else, including a number without a unit. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  const factor = units[unit];
  return amount === undefined || factor === undefined ? undefined : Math.round(Number(amount) * factor);
}

/** Writes a whole number of milliseconds as `parseDuration` reads it: `30s`, `1500ms`. */
export function writtenDuration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** Parses durations of Go, which some providers send: `45.837906927s`, `6m0s`, `120ms`. NaN for anything else. */
export function parseGoDuration(text: string): number {
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)(ms|s))?$/.exec(text);
  if (!match || text === "") return Number.NaN;
  const [, hours = 0, minutes = 0, amount = 0, unit] = match;
  return Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(amount) * (unit === "ms" ? 1 : 1000);
}

/** Formats a measured time for people: `250 ms`, `2.5 s`, `42 s`, `3 min 12 s`. */
export function elapsedText(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Formats a time for people, in this machine's time zone: `18:34` for a time of today, else `2 Dec 2026 18:34`. */
export function clockText(at: number, now: number): string {
  const [date, today] = [new Date(at), new Date(now)];
  const time = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (date.toDateString() === today.toDateString()) return time;
  return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })} ${time}`;
}

/** Formats a time limit or a pause for people: `1.5 s`, `2 min`, `116 days`. */
export function waitText(ms: number): string {
  const parts = [
    [86_400_000, "days"],
    [3_600_000, "h"],
    [60_000, "min"],
    [1000, "s"],
  ] as const;
  const [size, unit] = parts.find(([least]) => ms >= least) ?? [1, "ms"];
  return `${Number((ms / size).toFixed(1))} ${unit}`;
}
