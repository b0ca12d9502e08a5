/**
 * Patterns for the arguments of a tool call. A model writes the arguments, so matching takes linear time and accepts any depth of nesting.
 */

import { parseJson } from "../json.js";
import { globMatches } from "./glob.js";

export interface ArgumentPattern {
  /** Names of nested keys, outermost first; `*` matches any name. */
  path: readonly string[];
  /** Glob that is compared with the argument's value as text. */
  value: string;
}

/**
 * Maximum length of a text between two stars of a glob. With this limit, searching an argument of 1 MB takes less than a second, whatever
 * the argument contains.
 */
const longestBetweenStars = 1_000;

/**
 * Maximum number of values that a pattern is compared with. Resolving a value as a path and a URL takes some microseconds, and nothing else
 * runs meanwhile.
 */
const mostCompared = 10_000;

const item = /\s*([^\s=,"]+)\s*=\s*(?:("(?:[^"\\]|\\.)*")\s*|([^,"]*))(?:,|$)/sy;

/** Parses `name=value, outer.inner=value`. A value that contains a comma or a quote must be written as a JSON string. */
export function readArgumentPatterns(text: string): ArgumentPattern[] | { problem: string } {
  const patterns: ArgumentPattern[] = [];
  item.lastIndex = 0;
  for (let at = 0; at < text.length || patterns.length === 0; at = item.lastIndex) {
    const [match, name = "", quoted, plain = ""] = item.exec(text) ?? [];
    const value = quoted === undefined ? plain.trim() : parseJson(quoted);
    if (match === undefined || typeof value !== "string") {
      return { problem: `expected argument=value, got ${JSON.stringify(text.slice(at).trim())}` };
    }
    if (
      value
        .split("*")
        .slice(1, -1)
        .some((part) => part.length > longestBetweenStars)
    ) {
      return { problem: `between two stars there may be at most ${longestBetweenStars} characters` };
    }
    patterns.push({ path: name.normalize().split("."), value });
  }
  return patterns;
}

/**
 * Returns true if a permission with this pattern covers the argument: the argument must exist, and every value in it must match. A value
 * that could leave the pattern's folder by `..` or that contains a NUL is not covered: a server may end the value at the NUL. If the
 * pattern is a path, no value with another control character is covered either: a server may drop the character. An argument with more than
 * 10,000 values is not covered.
 */
export function permits({ path, value }: ArgumentPattern, given: object): boolean {
  const isSafe = (text: string) => !leadsUp(text) && !nul.test(text) && !(isPath.test(value) && control.test(text));
  const texts = textsAt(path, given);
  return (
    texts.length > 0 &&
    texts.length <= mostCompared &&
    texts.every((text) => globMatches(value, text) && (!isOpen(value) || isSafe(text)))
  );
}

/**
 * Returns true if a prohibition with this pattern applies: at least one value in the argument matches, either as written or as a server may
 * read it. A server may resolve it as a path or a URL, end it at a NUL, or drop control characters. It also applies to an argument with more
 * than 10,000 values, because these are not compared.
 */
export function touches({ path, value }: ArgumentPattern, given: object): boolean {
  const texts = textsAt(path, given);
  if (texts.length > mostCompared) return true;
  return texts
    .flatMap((text) => (control.test(text) ? [text, untilNul(text), withoutControls(text)] : [text]))
    .some((text) => leadsTo(value, text));
}

/** Returns true if the glob matches the text as it is written, or the path or URL to which the text leads. */
function leadsTo(glob: string, text: string): boolean {
  if (globMatches(glob, text)) return true;
  const path = plainPath(text);
  const url = plainUrl(text);
  return (
    matchesFolder(glob, path) ||
    (windowsPath.test(glob) && matchesFolder(glob.replaceAll(/\\+/g, "/"), path)) ||
    (url !== undefined && (matchesFolder(glob, url) || matchesFolder(globAsUrl(glob), url)))
  );
}

/** Returns true if the glob matches the path, with or without the slash at the end of it. */
function matchesFolder(glob: string, path: string): boolean {
  return globMatches(glob, path) || (path.length > 1 && path.endsWith("/") && globMatches(glob, path.slice(0, -1)));
}

/**
 * True for a glob such as `/tmp/*`, which stands for everything below a folder. False for `*`, which stands for any value, and for a glob
 * without a star.
 */
function isOpen(glob: string): boolean {
  return glob.includes("*") && /[^*]/.test(glob);
}

/** Matches a path separator. It may be percent-encoded once or several times, because a server may decode it. */
const separator = String.raw`(?:[/\\]|%(?:25)*(?:2f|5c))`;
const upwards = new RegExp(`(?:^|${separator})(?:\\.|%(?:25)*2e){2}(?:$|${separator})`, "i");

const isPath = new RegExp(separator, "i");
const allSeparators = new RegExp(separator, "gi");
/** Matches a control character, plain or percent-encoded. */
const control = /\p{Cc}|%(?:25)*(?:[01][0-9a-f]|7f)/iu;
const allControls = new RegExp(control, "giu");
const nul = /\0|%(?:25)*00/;

function leadsUp(text: string): boolean {
  return upwards.test(withoutControls(inPlainCharacters(text)));
}

const encodedUnit = /%(?:25)*u([0-9a-f]{4})/gi;
const encodedBytes = /(?:%(?:25)*[89a-f][0-9a-f])+/gi;
const invisible = /\p{Default_Ignorable_Code_Point}/gu;
const slashes = /[\u2044\u2215]/g;

/** Writes the characters as a server may that folds Unicode: a full-width dot becomes a dot, and a soft hyphen disappears. */
function inPlainCharacters(text: string): string {
  const decoded = text
    .replaceAll(encodedUnit, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll(encodedBytes, (bytes) => Buffer.from(bytes.replaceAll(/%(?:25)*/g, ""), "hex").toString());
  return decoded.normalize("NFKC").replaceAll(invisible, "").replaceAll(slashes, "/");
}

function untilNul(text: string): string {
  return text.split(nul, 1)[0] ?? "";
}

function withoutControls(text: string): string {
  return text.replaceAll(allControls, "");
}

/** Resolves a path: `/tmp//x/../../etc` becomes `/etc`. A slash at the end stays. */
function plainPath(text: string): string {
  const decoded = text.replaceAll(/%(?:25)*2e/gi, ".").replaceAll(allSeparators, "/");
  const segments = decoded.split("/");
  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === "..") kept.pop();
    else if (segment !== "." && segment !== "") kept.push(segment);
  }
  const isFolder = kept.length > 0 && kept.at(-1) !== segments.at(-1);
  return (decoded.startsWith("/") ? "/" : "") + kept.join("/") + (isFolder ? "/" : "");
}

/** Matches a path with a drive or a share of Windows. */
const windowsPath = /^(?:[a-z*]:|\\)\\/i;

/**
 * Resolves a URL as programs read it: `HTTPS://user@H.:443/x/../%79#z` becomes `https://h/y`. Returns undefined for a text that is not a URL
 * with `//`.
 */
function plainUrl(text: string): string | undefined {
  const url = parsedUrl(text);
  return url && `${originOf(url)}${plainPath(inPlainLetters(url.pathname))}${url.search}`;
}

/** Decodes the percent-encoded characters of which RFC 3986 (2.3) says that they mean the same as the characters. */
function inPlainLetters(url: string): string {
  return url.replaceAll(/%(?:2d|2e|3[0-9]|4[1-9a-f]|5[0-9a]|5f|6[1-9a-f]|7[0-9a]|7e)/gi, decodeURIComponent);
}

/**
 * Writes the scheme and the host of a glob as `plainUrl` does. A glob for characters that `plainUrl` removes or changes stays as it is, such
 * as one for `..` or `@`.
 */
function globAsUrl(glob: string): string {
  const plain = inPlainLetters(glob);
  const url = /[@#%\\]|\/\.{1,2}(?:\/|$)/.test(plain) ? undefined : parsedUrl(plain);
  return url ? `${originOf(url)}${url.pathname}${url.search}` : plain;
}

function parsedUrl(text: string): URL | undefined {
  const normal = text.normalize();
  const url = URL.canParse(normal) ? new URL(normal) : undefined;
  return url?.href.startsWith(`${url.protocol}//`) ? url : undefined;
}

function originOf({ protocol, host }: URL): string {
  return `${protocol}//${host.replace(/\.(?=:|$)/, "")}`;
}

/** Returns all scalar values at the path or below it, as texts. In a list on the way, every item is searched. */
function textsAt(path: readonly string[], given: object): string[] {
  const texts: string[] = [];
  /** For each step of the path, the rest of the path from that step on, joined by dots: the name of an argument may itself contain dots. */
  const rests = path.map((_, index) => path.slice(index).join("."));
  const open: [value: unknown, steps: number][] = [[given, 0]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [value, steps] = next;
    if (typeof value !== "object" || value === null) {
      if (steps === path.length) texts.push(String(value));
      continue;
    }
    if (steps === path.length && Object.keys(value).length === 0) texts.push("");
    for (const [key, inner] of Object.entries(value)) {
      if (steps === path.length || Array.isArray(value)) open.push([inner, steps]);
      else if (key.normalize() === rests[steps]) open.push([inner, path.length]);
      else if (path[steps] === "*" || path[steps] === key.normalize()) open.push([inner, steps + 1]);
    }
  }
  return texts;
}
