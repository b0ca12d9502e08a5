import type { StoredEvent } from "../../core/chat.js";

/**
 * Events without what looks like a key, and without the secrets given. The log itself is left as it is: a person may have typed a key,
 * and a tool may have read one. What no pattern knows cannot be found: who shares an export reads it first.
 */
export function redacted(events: readonly StoredEvent[], secrets: readonly string[]): StoredEvent[] {
  const known = [...secrets].sort((a, b) => b.length - a.length);
  const clean = (text: string) =>
    patterns.reduce(
      (rest, [pattern, replacement]) => rest.replace(pattern, replacement),
      known.reduce((rest, secret) => rest.replaceAll(secret, mark), text),
    );
  const walk = (value: unknown, key?: string): unknown => {
    if (typeof value === "string") return key !== undefined && kept.has(key) ? value : clean(value);
    if (Array.isArray(value)) return value.map((item) => walk(item));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, walk(item, name)]));
  };
  return events.map((event) => walk(event) as StoredEvent);
}

const mark = "[redacted]";

/** Words of ours, and bytes of pictures and sound. */
const kept = new Set(["type", "turnId", "callId", "questionId", "mimeType", "data"]);

/** Every repetition is bounded, so that no text takes more than linear time. */
const patterns: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]{1,8000}?-----END [A-Z ]{0,30}PRIVATE KEY-----/g, mark],
  [/\b(?:sk|rk|pk|gsk|hf|glpat|github_pat|gh[pousr]|xox[abeprs])[-_][\w-]{16,400}/g, mark],
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, mark],
  [/\bAIza[\w-]{30,60}/g, mark],
  [/\beyJ[\w-]{8,4000}\.[\w-]{8,4000}\.[\w-]{4,4000}/g, mark],
  [/\b(Bearer|Basic) [\w.~+/=-]{12,4000}/gi, `$1 ${mark}`],
  [/(:\/\/[^\s/:@]{1,100}:)[^\s/@]{1,400}@/g, `$1${mark}@`],
  [
    /((?:api[_-]?key|secret|passw(?:or)?d|passphrase|(?:access|auth|refresh|id)[_-]?token|private[_-]?key|credentials?)\\?["']?\s{0,4}[:=]\s{0,4}\\?["']?)(?!\[redacted\])[^\s"'\\,;&}]{6,400}/gi,
    `$1${mark}`,
  ],
];
