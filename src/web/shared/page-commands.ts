/** The palette's commands, and the keys that hold in all views. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { goTo } from "./page-address.js";
import { isCovered } from "./use-escape.js";

export interface Command {
  name: string;
  /** Keys that do the same. */
  keys?: string;
  /** True if the command moves the focus into the sidebar, which is shown first then. */
  isInSidebar?: true;
  run: () => void;
}

export const isPaletteOpen = signal(false);

const sources = new Set<{ current: () => readonly Command[] }>();

/** Offers commands while the component is shown. They are asked for when the palette is opened. */
export function useCommands(commands: () => readonly Command[]): void {
  const source = useRef(commands);
  source.current = commands;
  useEffect(() => {
    sources.add(source);
    return () => void sources.delete(source);
  }, []);
}

export function offeredCommands(): Command[] {
  return [...sources].flatMap(({ current }) => current());
}

/** Listens for the keys of the page. They mean nothing in a form, with an input method (IME), and while a dialog or a menu is open. */
export function usePageKeys(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const { target, key, shiftKey, altKey, isComposing, defaultPrevented } = event;
      const isIn = (selector: string) => target instanceof Element && target.closest(selector) !== null;
      if (isComposing || defaultPrevented || altKey || isCovered() || isIn("form:not(.composer)")) return;
      const isControl = event.ctrlKey || event.metaKey;
      if (isControl && shiftKey && key.toLowerCase() === "o") goTo("chat");
      else if (isControl ? key.toLowerCase() === "k" && !shiftKey : key === "?" && !isIn("input, textarea, select"))
        isPaletteOpen.value = true;
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
}
