import type { Delta } from "../../../core/messages.js";

const open = "<think>";
const close = "</think>";

/**
 * Separates reasoning from text, for models that write both as content with tags between them. Tags may arrive in pieces. Prompt templates
 * often contain the opening tag, so the answer may begin inside the reasoning. Therefore everything is held back until the first tag.
 */
export class ThinkTags {
  readonly #show: (type: Delta["type"], delta: string) => void;
  #mode: "unknown" | "text" | "reasoning" = "unknown";
  readonly #held: string[] = [];
  #tail = "";
  /** True right after a tag. White space at this position is not shown. */
  #afterTag = false;

  constructor(show: (type: Delta["type"], delta: string) => void) {
    this.#show = show;
  }

  push(content: string): void {
    let rest = this.#tail + content;
    for (let tag = this.#nextTag(rest); tag; tag = this.#nextTag(rest)) {
      this.#add(rest.slice(0, tag.index));
      this.#enter(tag[0] === open ? "reasoning" : "text");
      rest = rest.slice(tag.index + tag[0].length);
    }
    const keep = unfinishedTag(rest);
    this.#tail = rest.slice(rest.length - keep);
    this.#add(rest.slice(0, rest.length - keep));
  }

  end(): void {
    const rest = this.#tail;
    this.#tail = "";
    this.#add(rest);
    if (this.#mode === "unknown") this.#release("text_delta");
  }

  /** Finds the next tag. A closing tag within text counts as text. */
  #nextTag(text: string): RegExpExecArray | null {
    if (this.#mode === "unknown") return /<\/?think>/.exec(text);
    return this.#mode === "text" ? /<think>/.exec(text) : /<\/think>/.exec(text);
  }

  #enter(mode: "text" | "reasoning"): void {
    if (this.#mode === "unknown") this.#release(mode === "text" ? "reasoning_delta" : "text_delta");
    this.#mode = mode;
    this.#afterTag = true;
  }

  #release(type: Delta["type"]): void {
    const held = this.#held.splice(0).join("");
    if (held.trim()) this.#show(type, held);
  }

  #add(text: string): void {
    const visible = this.#afterTag ? text.trimStart() : text;
    if (!visible) return;
    this.#afterTag = false;
    if (this.#mode === "unknown") this.#held.push(visible);
    else this.#show(this.#mode === "text" ? "text_delta" : "reasoning_delta", visible);
  }
}

function unfinishedTag(text: string): number {
  const start = text.lastIndexOf("<");
  const end = start < 0 ? "" : text.slice(start);
  return end !== "" && (open.startsWith(end) || close.startsWith(end)) ? end.length : 0;
}
