import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";

/** A part of the page that can be unfolded. Its content is made only while it is open. */
export function Fold({ summary, children }: { summary: ComponentChildren; children: () => ComponentChildren }) {
  const isOpen = useSignal(false);
  return (
    <details
      onToggle={({ currentTarget }) => {
        isOpen.value = currentTarget.open;
      }}
    >
      <summary>{summary}</summary>
      {isOpen.value && <div class="inside">{children()}</div>}
    </details>
  );
}
