/** Removes known secrets, and strings that look like secrets, from texts before they are shared. */

/**
 * Returns a function that removes the given secrets from a text, and everything that matches one of the patterns in `looks`: by default,
 * whatever looks like a key. The given secrets are also found as they are spelled in JSON, in URLs, in base64 and in hexadecimal.
 */
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

/** Names of members that suggest that the value is a secret. */
const telling = /key|secret|passw|passphrase|token|credential/i;

/** Clears the text of a member of an object. If its name suggests a secret, the text is looked at as `NAME: TEXT`. */
export function clearedMember(clear: (text: string) => string, name: string, text: string): string {
  const prefix = `${name}: `;
  const line = telling.test(name) ? clear(prefix + text) : "";
  return line.startsWith(prefix) ? line.slice(prefix.length) : clear(text);
}

/** Clears the name of a member of an object, because some data has secrets as names. Short names are words. */
export function clearedName(clear: (text: string) => string, name: string): string {
  return name.length < 9 ? name : clear(name);
}

/**
 * Returns the spellings of a secret: plain, in JSON, in JSON inside JSON (the arguments of a call), in a URL, in a form, in base64, in
 * hexadecimal.
 */
function writtenAs(secret: string): string[] {
  const inJsons = [inJson(secret), ascii(inJson(secret))].flatMap((text) => [text, text.replaceAll("/", "\\/")]);
  const inForm = new URLSearchParams({ "": secret }).toString().slice("=".length);
  const inUrls = [encodeURIComponent(secret), inForm].flatMap((text) => [
    text,
    text.replace(/%../g, (code) => code.toLowerCase()),
  ]);
  return [secret, ...inJsons, ...inJsons.map(inJson), ...inUrls, ...inBase64(secret), ...inHex(secret)];
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Escapes all non-ASCII characters, as some JSON writers do. */
function ascii(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function inHex(secret: string): string[] {
  const lower = Buffer.from(secret).toString("hex");
  return lower.length < fewestLetters ? [] : [lower, lower.toUpperCase()];
}

/** Minimum length of a base64 or hexadecimal text that is searched for. Shorter texts may occur by chance. */
const fewestLetters = 10;

/**
 * Returns the base64 spellings of the secret, one for each alignment of its bytes. They contain only characters that do not depend on the
 * neighbouring bytes.
 */
function inBase64(secret: string): string[] {
  const letters = [0, 1, 2].map((bytesBefore) => {
    const bytes = Buffer.concat([Buffer.alloc(bytesBefore), Buffer.from(secret)]);
    return bytes.toString("base64").slice(Math.ceil((bytesBefore * 8) / 6), Math.floor((bytes.length * 8) / 6));
  });
  const all = [...letters, ...letters.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"))];
  return all.filter((text) => text.length >= fewestLetters);
}

export const redactedMark = "[redacted]";
const mark = redactedMark;

/** Patterns of texts that look like secrets. Every repetition in a pattern is bounded, so that a search takes linear time. */
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
