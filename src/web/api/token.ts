import { fromAddress } from "../shared/format-text.js";

const key = "mcp-platform-token";

/**
 * Returns the bearer token from `#token=` in the page's address, where `serve` puts it. The token is stored for this tab and removed from
 * the address and the history. A cookie is not used: a browser sends cookies to every port of this machine, whatever program listens there.
 */
export function takeToken(location: Location, history: History, storage: Storage): string | undefined {
  const given = /^#token=(.+)$/.exec(location.hash)?.[1];
  if (given) {
    keepToken(fromAddress(given) ?? given, storage);
    history.replaceState(null, "", `${location.pathname}#/chat`);
  }
  return storage.getItem(key) ?? undefined;
}

export function keepToken(token: string, storage: Storage): void {
  storage.setItem(key, token);
}
