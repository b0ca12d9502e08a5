import { isRandomSegment } from "../../core/secrets/secret-names.js";
import { secretsInArg } from "../../core/secrets/server-secrets.js";

/** Hides secrets in all URLs of the text: the user, the password, the query, and parts of the path that look like secrets. */
export function redactUrls(text: string): string {
  return text.replaceAll(/\S+/g, (word) => {
    const [before = "", ...addresses] = word.split("://");
    if (!/^[a-z0-9+.-]$/i.test(before.slice(-1))) return word;
    const shown = addresses.map(withoutSecrets);
    // Everything after a query is part of the query, even if it contains another URL.
    const end = shown.findIndex((address) => address.endsWith(hiddenQuery)) + 1;
    return [before, ...shown.slice(0, end || undefined)].join("://");
  });
}

const hiddenQuery = "?***";

/** Hides the secrets of a URL. `address` is the URL without its scheme. */
function withoutSecrets(address: string): string {
  const [, user = "", host = "", path = "", query = "", fragment = ""] =
    /^([^/?#]*@)?([^/?#]*)([^?#]*)(\?[^#]*)?(.*)$/s.exec(address) ?? [];
  const shownPath = path.replaceAll(/[\da-z%=_.~-]+/gi, (part) => (isRandomSegment(part) ? "***" : part));
  return `${user && "***@"}${host}${shownPath}${query.length > 1 ? hiddenQuery : query}${fragment}`;
}

/**
 * Hides the user and query of URLs, but only where the text can be nothing else than a URL. Used for a text that a shell may run after the
 * user has confirmed it: in `http://a?;rm`, the part after `?` is a command, so the user must see it. The scheme's length is bounded, and
 * the second pattern matches every URL as a whole, so that both searches take linear time.
 */
export function redactPlainUrls(text: string): string {
  return text
    .replaceAll(/([a-z][a-z0-9+.-]{0,30}:\/\/)[\w.~%+-]*(?::[\w.~%+-]*)?@(?=[\w[])/gi, "$1***@")
    .replaceAll(
      /([a-z][a-z0-9+.-]{0,30}:\/\/[\w.~%+:@/*[\]-]*)(\?[\w.-]+=[\w.~%+-]*(?:&[\w.-]+=[\w.~%+-]*)*(?=$|[\s"'#]))?/gi,
      (url, address, query) => (query ? `${address}${hiddenQuery}` : url),
    );
}

export function redactArgs(args: readonly string[]): string[] {
  return args.map((arg, index) => redactUrls(secretsInArg(arg, args[index - 1]).reduce(withoutSecret, arg)));
}

/** Signs before and after a secret that is not at the end of its argument: quotes in JSON, signs of an address. */
const surroundings = ['""', "''", ":@", "/@"];

function withoutSecret(arg: string, secret: string): string {
  const shown = surroundings.reduce(
    (text, [before, after]) => text.replaceAll(`${before}${secret}${after}`, `${before}***${after}`),
    arg,
  );
  return shown.endsWith(secret) ? `${shown.slice(0, -secret.length)}***` : shown;
}

/** Hides secrets in arguments that the user must confirm before they run. Paths, and texts that a shell could run, are not hidden. */
export function redactPlainArgs(args: readonly string[]): string[] {
  const redacted = redactArgs(args);
  const isPlain = (arg: string) => /^(?:[\w-]+\s*[:=]\s*)?(?:Bearer )?[\w.~%+=-]*$/.test(arg);
  return args.map((arg, index) => (isPlain(arg) ? (redacted[index] ?? arg) : redactPlainUrls(arg)));
}
