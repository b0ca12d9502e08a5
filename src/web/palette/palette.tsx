import "../styles/palette.css";
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { ConversationList } from "../api/conversation-list.js";
import type { Api } from "../api/host-client.js";
import { goTo } from "../shared/page-address.js";
import { type Command, isPaletteOpen, offeredCommands } from "../shared/page-commands.js";
import { theme, themes } from "../shared/theme.js";
import { shownTitle } from "../sidebar/conversation-row.js";
import { isSidebarShown, toggleSidebar } from "../sidebar/sidebar.js";
import { useSearch } from "../sidebar/use-search.js";

const mostConversations = 8;

const everywhere: readonly Command[] = [
  { name: "New chat", keys: "Ctrl Shift O", run: () => goTo("chat") },
  { name: "Servers", run: () => goTo("servers") },
  { name: "Add server", run: () => goTo("servers", "add") },
  { name: "Usage", run: () => goTo("usage") },
  { name: "Settings", run: () => goTo("settings") },
  ...(Object.keys(themes) as (keyof typeof themes)[]).map((each) => ({
    name: `Theme: ${themes[each].toLowerCase()}`,
    run: () => {
      theme.value = each;
    },
  })),
];

/** Finds commands and conversations by words. The arrow keys choose one, and Enter runs it. */
export function Palette({ api, list }: { api: Api; list: ConversationList }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const search = useSearch(api, list);
  const chosen = useSignal(0);
  const commands = useMemo(() => [...offeredCommands(), ...everywhere], []);
  useLayoutEffect(() => dialog.current?.showModal(), []); // at once, so that no key is lost
  const words = search.words.value.toLowerCase().split(/\s+/);
  const conversations = (search.found.value ?? list.entries.value ?? []).slice(0, mostConversations);
  const found: Command[] = [
    ...commands.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word))),
    ...conversations.map((entry) => ({
      name: shownTitle(entry),
      keys: "conversation",
      run: () => goTo("chat", entry.conversation_id),
    })),
  ];
  const at = Math.min(chosen.value, found.length - 1);
  const run = (command: Command | undefined) => {
    dialog.current?.close();
    if (!command?.isInSidebar || isSidebarShown.value) return command?.run();
    toggleSidebar();
    requestAnimationFrame(command.run); // after the sidebar has taken the focus
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.isComposing || (!by && event.key !== "Enter")) return;
    event.preventDefault();
    if (by) chosen.value = (at + by + found.length) % found.length;
    else run(found[at]);
  };
  return (
    <dialog
      ref={dialog}
      class="palette"
      closedby="any"
      aria-label="Commands and conversations"
      onClose={() => {
        isPaletteOpen.value = false;
      }}
    >
      <input
        role="combobox"
        aria-label="Command or conversation"
        aria-expanded="true"
        aria-controls="palette-found"
        aria-activedescendant={`palette-${at}`}
        placeholder="A command, or words of a conversation"
        autocomplete="off"
        value={search.words.value}
        onInput={({ currentTarget }) => {
          search.words.value = currentTarget.value;
          chosen.value = 0;
        }}
        onKeyDown={onKeyDown}
      />
      <div id="palette-found" role="listbox" aria-label="Found">
        {found.map((command, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the focus, and its keys choose
          <div
            id={`palette-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            ref={(option) => void (index === at && option?.scrollIntoView({ block: "nearest" }))}
            onClick={() => run(command)}
          >
            <span class="name">{command.name}</span>
            <span class="small quiet">{command.keys}</span>
          </div>
        ))}
      </div>
      <p class="small quiet">
        In the message field: Enter sends, Shift Enter makes a line, ↑ edits the last message, Esc cancels the turn.
        Anywhere: Ctrl K or ? shows this. On a Mac, ⌘ does as well as Ctrl.
      </p>
    </dialog>
  );
}
