import type { OAuthConfig, ServerConfig } from "../config.js";
import { isPlainVariable, isRandomSegment, isSecretName } from "./secret-names.js";

/**
 * Minimum length, in characters, of a secret that is redacted, because shorter texts also occur in ordinary words. `shortestNamed` applies
 * to values whose keys suggest a secret.
 */
const shortest = 8;
const shortestNamed = 6;

type FoundTexts = readonly (string | undefined)[];

/** Returns the texts that are long enough to be redacted, each once. `named` are the values of keys that suggest a secret. */
export function longEnough({ named, other }: { named: FoundTexts; other: FoundTexts }): string[] {
  return [...new Set([...atLeast(shortestNamed, named), ...atLeast(shortest, other)])];
}

function atLeast(length: number, values: FoundTexts): string[] {
  return values.filter((value) => value !== undefined && value.length >= length) as string[];
}

/** Returns the texts in a server's configuration that must not be shown to others. */
export function serverSecrets(server: ServerConfig): string[] {
  return longEnough({ named: namedSecrets(server), other: otherSecrets(server) });
}

/** Returns the values of placeholders, and the values in `env`, except those of common variables that contain no secret. */
function otherSecrets(server: ServerConfig): string[] {
  return [...(server.placeholderValues ?? []), ...(server.transport === "stdio" ? valuesOf(server.env) : [])];
}

function valuesOf(variables: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(variables).flatMap(([name, value]) => (isPlainVariable(name) ? [] : [value]));
}

function namedSecrets(server: ServerConfig): (string | undefined)[] {
  if (server.transport === "stdio") {
    const values = Object.values(server.env ?? {});
    return [
      ...secretValues(server.env),
      ...secretArgs(server.args),
      ...[...values, ...server.args].flatMap(secretsInUrls),
      ...server.args.flatMap(secretsInPaths),
    ];
  }
  if (server.transport === "program") return [];
  const ofUrl = [...secretsInUrls(server.url), ...secretsInPaths(server.url)];
  return [...headerSecrets(server.headers), ...clientSecrets(server.oauth), ...ofUrl];
}

/**
 * Returns the secret of an OAuth client, and the credentials that HTTP Basic makes of it. A short secret can only be recognised in base64
 * together with its id.
 */
function clientSecrets(oauth: OAuthConfig | undefined): string[] {
  if (oauth?.clientSecret === undefined) return [];
  return [oauth.clientSecret, `${oauth.clientId ?? ""}:${oauth.clientSecret}`];
}

/** Matches members with a text in JSON, also with single quotes. The lengths are bounded, so that the search takes linear time. */
const jsonMember = /(["'])([^"'\\]{1,100})\1\s{0,4}:\s{0,4}(["'])((?:(?!\3)[^\\]|\\.){0,4000})\3/gs;
/** Matches passwords in connection strings of databases: `user:abc@tcp(host)/db` (Go) and `user/abc@//host/db` (Oracle). */
const driverPassword = /(?:(?<=:)([^\s:@/]{1,100})@(?:tcp|unix)\(|(?<=\/)([^\s:@/]{1,100})@\/\/)/g;

/** Names of the schemes of an `Authorization` header, as alternatives of a regular expression. */
export const schemes = "Bearer|Basic|Digest|Token|ApiKey";
const scheme = new RegExp(`^(?:${schemes})$`, "i");

/**
 * Matches a name and the `=` or `:` after it. An argument may have several: `--set=user=me,password=abc`. A host such as `auth.x.com:80`
 * is not a name.
 */
const nameInArg = /(?<=^|[\s,;&{="'])(?:([\w-]{1,100})\s{0,4}:|([\w.-]{1,100})\s{0,4}=)\s{0,4}(?=\S)/g;
/** Maximum number of names in one argument whose values are looked at, and maximum length of a value: each may contain all later ones. */
const mostNamed = 100;
const valueInArg = new RegExp(`^["']?(?:(?:${schemes})\\s+)?([^\\s,;&}"']{1,4000})`, "i");

/**
 * Returns the secrets in an argument as they are written: in `abc` after `--token`, `--token abc`, `--token=abc`, `--env=PASSWORD=abc`,
 * `Authorization: Bearer abc`, `{"token": "abc"}`, and in `-pabc` if `abc` looks random. `before`: the argument before this one.
 */
export function secretsInArg(arg: string, before = ""): string[] {
  if (/^-[^=:]*$/.test(before) && isSecretName(before, arg) && !arg.startsWith("-")) return secretWords(arg);
  const [, flag, rest = ""] = /^(--?[\w-]{1,100})\s+(.+)$/s.exec(arg) ?? [];
  if (flag !== undefined && isSecretName(flag, rest)) return secretWords(rest);
  const valueAfter = ({ 0: { length }, index }: RegExpExecArray) => arg.slice(index + length);
  const names = [...arg.matchAll(nameInArg)].filter((named) =>
    isSecretName(named[1] ?? named[2] ?? "", valueAfter(named)),
  );
  const values = names.slice(0, mostNamed).map(valueAfter);
  const members = [...arg.matchAll(jsonMember)].flatMap(({ 2: name = "", 4: text = "" }) =>
    isSecretName(name, text) ? [text] : [],
  );
  const passwords = [...arg.matchAll(driverPassword)].flatMap(([, go, oracle]) => go ?? oracle ?? []);
  const [, joined = ""] = /^-[a-z](.+)$/is.exec(arg) ?? [];
  return [
    // All that follows the first name is a secret too, because a value may contain spaces and commas.
    ...values.slice(0, 1).flatMap((value) => (names[0]?.index === 0 ? secretWords(value) : [value])),
    ...values.flatMap((value) => valueInArg.exec(value)?.[1] ?? []),
    ...members.flatMap(secretWords),
    ...passwords,
    ...(values.length === 0 && isRandomSegment(joined) ? [joined] : []),
  ].filter((secret) => secret !== "");
}

function secretArgs(args: readonly string[]): string[] {
  return args.flatMap((arg, index) => secretsInArg(arg, args[index - 1]));
}

/**
 * Returns the passwords in URLs, user names that look random (tokens), and the query values that look random or whose names suggest a secret.
 * Returns each value twice: as it is written, and decoded.
 */
export function secretsInUrls(text: string | undefined = ""): string[] {
  return urlsIn(text).flatMap(({ username, password, search }) => {
    const pairs = search
      .slice(1)
      .split("&")
      .map((pair) => pair.split(/=(.*)/s));
    const secret = pairs.filter(
      ([name = "", value = ""]) => isSecretName(name, value) || isRandomSegment(inUrl(value)),
    );
    const token = isRandomSegment(username) ? [username] : [];
    return [password, ...token, ...secret.map(([, value = ""]) => value)].flatMap((value) => [
      value,
      percentDecoded(value),
    ]);
  });
}

/** Returns the parts of paths in URLs that look like secrets. */
function secretsInPaths(text: string): string[] {
  return urlsIn(text).flatMap(({ pathname }) => pathname.split("/").filter(isRandomSegment));
}

/** Returns the URLs in a text. The scheme's length is bounded, so that the search takes linear time in a long word without a URL. */
function urlsIn(text: string): URL[] {
  const written = text.match(/[a-z][a-z0-9+.-]{0,30}:\/\/[^\s"']+/gi) ?? [];
  return written.filter((url) => URL.canParse(url)).map((url) => new URL(url));
}

/** Returns the value in the spelling that `isRandomSegment` knows: `%2B` also where `+` is written. */
function inUrl(value: string): string {
  return encodeURIComponent(percentDecoded(value));
}

/** Decodes the `%` codes of the value. Returns it unchanged if they are not valid. */
export function percentDecoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Names of headers that contain no secret. */
const plainHeader =
  /^(?:accept(?:-\w+)?|content-type|user-agent|mcp-protocol-version|anthropic-(?:version|beta)|openai-beta|http-referer|x-title)$/i;

/** Returns the values of the headers, and the words of each value, because any header may contain a secret. */
export function headerSecrets(headers: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(headers).flatMap(([name, value]) => (plainHeader.test(name) ? [] : secretWords(value)));
}

/** Returns the values whose names suggest a secret. For `Authorization: Bearer abc`, returns `Bearer abc` and `abc`, but not `Bearer`. */
export function secretValues(values: Readonly<Record<string, string | undefined>> = {}): string[] {
  return Object.entries(values).flatMap(([name, value = ""]) => (isSecretName(name, value) ? secretWords(value) : []));
}

function secretWords(value: string): string[] {
  return [value, ...value.split(/\s+/)].filter((part) => !scheme.test(part));
}
