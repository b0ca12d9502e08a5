/** Formats numbers and times for people. */

export function shownCount(number: number): string {
  return number.toLocaleString("en");
}

export function counted(number: number, noun: string): string {
  return `${shownCount(number)} ${noun}${number === 1 ? "" : "s"}`;
}

export function shownDollars(usd: number): string {
  return `$${usd.toFixed(usd < 0.1 ? 4 : 2)}`;
}

/** Returns a size such as `3.4 KB`. */
export function shownBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

const units: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** Returns a text such as `2 hours ago`. If the time is more than a week ago, returns the date. */
export function ago(at: number, now: number): string {
  const ms = now - at;
  if (ms > 7 * 86_400_000) return new Date(at).toLocaleDateString("en", { dateStyle: "medium" });
  const [unit, size] = units.find(([, each]) => ms >= each) ?? [];
  if (!unit || !size) return "just now";
  return new Intl.RelativeTimeFormat("en").format(-Math.floor(ms / size), unit);
}

/** Decodes a part of an address. Undefined if its percent-encoding is not valid text, such as `%E0`. */
export function fromAddress(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
