import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { saveFile } from "../shared/save-file.js";
import { codeColours } from "./on-demand.js";

/** Time for which the button confirms that the code was copied, in ms. */
const saidMs = 1_500;
/** Length of the longest code that is shown in colours, in characters. The colours of longer code would hold up the page. */
const mostColoured = 20_000;

const withoutColours: ReadonlySet<string> = new Set(["", "text", "txt", "plain", "plaintext", "mermaid", "prompt"]);

interface CodeBlockProps {
  language: string;
  text: string;
  /** True while the code is being written: it has no colours then, because they would be made anew for each piece of text. */
  isGrowing?: boolean;
  /** True if long lines continue on the next one from the beginning. */
  wraps?: boolean;
}

export function CodeBlock({ language, text, isGrowing = false, wraps = false }: CodeBlockProps) {
  const name = language.trim().split(/\s/)[0] ?? "";
  const isWrapped = useSignal(wraps);
  const isColoured = !isGrowing && text.length <= mostColoured && !withoutColours.has(name.toLowerCase());
  return (
    <figure class="code">
      <figcaption>
        <span>{name || "text"}</span>
        <button
          type="button"
          class="plain"
          aria-pressed={isWrapped.value}
          onClick={() => {
            isWrapped.value = !isWrapped.value;
          }}
        >
          Wrap lines
        </button>
        <button type="button" class="plain" onClick={() => saveFile(fileName(name), new Blob([text]))}>
          Download
        </button>
        <CopyButton text={text} what="code" />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable element must be reachable by keyboard */}
      <pre tabIndex={0} class={isWrapped.value ? "wraps" : undefined}>
        {isColoured ? <ColouredCode language={name.toLowerCase()} text={text} /> : <code>{text}</code>}
      </pre>
    </figure>
  );
}

/** Shows code in colours from when it first comes into view: a long conversation has more code than anybody looks at. */
function ColouredCode({ language, text }: { language: string; text: string }) {
  const element = useRef<HTMLElement>(null);
  const isSeen = useSignal(false);
  useEffect(() => {
    if (!element.current) return undefined;
    const observer = new IntersectionObserver(([entry]) => {
      if (!entry?.isIntersecting) return;
      observer.disconnect();
      isSeen.value = true;
      codeColours.need();
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [isSeen]);
  const colours = isSeen.value ? codeColours.part.value : undefined;
  const coloured = useMemo(() => colours?.colouredCode(language, text), [colours, language, text]);
  return <code ref={element}>{coloured ?? text}</code>;
}

const endings: Partial<Record<string, string>> = {
  javascript: "js",
  typescript: "ts",
  python: "py",
  bash: "sh",
  shell: "sh",
  rust: "rs",
  ruby: "rb",
  csharp: "cs",
  markdown: "md",
};

function fileName(language: string): string {
  return `code.${endings[language.toLowerCase()] ?? (/^[a-z0-9]{1,8}$/i.test(language) ? language : "txt")}`;
}

/** Button that copies a text. `what` completes its name if several things can be copied there. */
export function CopyButton({ text, label = "Copy", what }: { text: string; label?: string; what?: string }) {
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
      {what && <span class="unseen"> {what}</span>}
    </button>
  );
}
