import { useSignal } from "@preact/signals";

/** Time for which the button confirms that the code was copied, in ms. */
const saidMs = 1_500;

export function CodeBlock({ language, text }: { language: string; text: string }) {
  const name = language.trim().split(/\s/)[0] ?? "";
  return (
    <figure class="code">
      <figcaption>
        <span>{name || "text"}</span>
        <CopyButton text={text} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable element must be reachable by keyboard */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const isDone = useSignal(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    isDone.value = true;
    setTimeout(() => {
      isDone.value = false;
    }, saidMs);
  };
  // A browser allows a page to use the clipboard only if the page is from this machine or uses https.
  if (!window.isSecureContext) return null;
  return (
    <button type="button" class="plain small" onClick={() => void copy()}>
      {isDone.value ? "Copied" : label}
    </button>
  );
}
