import { useSignal } from "@preact/signals";

/** Time for which the button says that it has copied. */
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
  // Browsers give the clipboard only to pages of this machine and of https.
  if (!window.isSecureContext) return null;
  return (
    <button type="button" class="plain small" onClick={() => void copy()}>
      {isDone.value ? "Copied" : label}
    </button>
  );
}
