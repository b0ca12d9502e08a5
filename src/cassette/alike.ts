import { redactedMark } from "../core/redaction.js";

export function isRedacted(text: string): boolean {
  return text.includes(redactedMark);
}

/**
 * Returns true if a text equals the recorded one. Redacted parts match anything: on another machine they may be no secret, or another one.
 */
export function isAlike(recorded: string, now: string): boolean {
  const [start = "", ...parts] = recorded.split(redactedMark);
  const end = parts.pop();
  if (end === undefined) return recorded === now;
  if (!now.startsWith(start)) return false;
  let at = start.length;
  for (const part of parts) {
    const found = now.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return now.endsWith(end) && now.length - end.length >= at;
}
