import { useEffect } from "preact/hooks";

/** Elements for which Escape may mean something else than to cancel the turn. */
const own = "a, button, summary, input, textarea:not(#message), select, form:not(.composer), dialog, [popover]";

/** Calls the function when the person presses Escape in the message field, or where the key means nothing else. */
export function useEscape(cancel: () => void): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      // With an input method (IME), Escape ends the word.
      if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
      const isElsewhere = event.target instanceof Element && event.target.closest(own);
      if (!isElsewhere && !isCovered()) cancel();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [cancel]);
}

/** True if a dialog, a menu or a palette lies over the page. A key then belongs to it. */
export function isCovered(): boolean {
  return document.querySelector("dialog[open], :popover-open") !== null;
}
