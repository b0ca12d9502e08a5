/**
 * The key with which the page shows that it is the page of this host and no other program of this machine. It belongs to the cookie of the sign-in,
 * which a browser sends to every port. Browsers keep this storage for each port alone, for all its tabs.
 */

const storageKey = "mcp-platform-page-key";

/** Returns the key. Undefined if this browser is not signed in. */
export function pageKey(): string | undefined {
  return localStorage.getItem(storageKey) ?? undefined;
}

export function keepPageKey(key: string | undefined): void {
  if (key === undefined) localStorage.removeItem(storageKey);
  else localStorage.setItem(storageKey, key);
}

/** Calls `listener` when another tab has signed in or out. */
export function onPageKeyOfOtherTab(listener: (key: string | undefined) => void): void {
  window.addEventListener("storage", ({ key, newValue }) => key === storageKey && listener(newValue ?? undefined));
}
