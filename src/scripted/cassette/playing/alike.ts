import { redactedMark } from "../../../core/text/redaction.js";

export function isRedacted(text: string): boolean {
  return text.includes(redactedMark);
}

/**
 * Returns true if `now` equals the recorded text. A redacted part of the recorded text matches any text: on another machine the original
 * text may be different, or may not be redacted.
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
