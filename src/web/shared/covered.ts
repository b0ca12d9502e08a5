/** True if a dialog, a menu or a palette lies over the page. A key then belongs to it. */
export function isCovered(): boolean {
  return document.querySelector("dialog[open], :popover-open") !== null;
}
