import { fromAddress } from "../shared/format-text.js";

/**
 * Returns the token from `#token=` in the page's address, where `serve` puts it, and removes it from the address and the history. The page
 * exchanges it for a sign-in and does not keep it.
 */
export function takeToken(location: Location, history: History): string | undefined {
  const given = /^#token=(.+)$/.exec(location.hash)?.[1];
  if (given === undefined) return undefined;
  history.replaceState(null, "", `${location.pathname}#/chat`);
  return fromAddress(given) ?? given;
}
