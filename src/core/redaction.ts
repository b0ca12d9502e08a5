/** What may not be handed on: secrets that are known, and what looks like one. */

/** Clears texts of the secrets given, also as JSON and URLs write them, and of what looks like a key. What no pattern knows cannot be found. */
export function clearing(
  secrets: readonly string[],
  looks: readonly (readonly [RegExp, string])[] = patterns,
): (text: string) => string {
  const known = [...new Set(secrets.flatMap(writtenAs))].sort((a, b) => b.length - a.length);
  return (text) =>
    looks.reduce(
      (rest, [pattern, replacement]) => rest.replace(pattern, replacement),
      known.reduce((rest, secret) => rest.replaceAll(secret, mark), text),
    );
}

/** As it is, in JSON, in JSON within JSON (the arguments of a call), in a URL. */
function writtenAs(secret: string): string[] {
  const quoted = inJson(secret);
  return [secret, quoted, inJson(quoted), encodeURIComponent(secret)];
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

const mark = "[redacted]";

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
