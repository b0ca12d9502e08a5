import type { Delta } from "../../../core/chat.js";

const OPEN = "<think>";
const CLOSE = "</think>";

/**
 * Tells reasoning from text where a model writes both as content, with tags around the reasoning that may arrive in
 * pieces. Prompt templates often hold the opening tag themselves, so that the answer begins within the reasoning: until
 * the first tag it is not known what the beginning is, and it is held back.
 */
export class ThinkTags {
  readonly #show: (type: Delta["type"], delta: string) => void;
  #mode: "unknown" | "text" | "reasoning" = "unknown";
  readonly #held: string[] = [];
  /** End of the content so far that may be the beginning of a tag. */
  #tail = "";
  /** Blank lines after a tag belong to the tag. */
  #afterTag = false;

  constructor(show: (type: Delta["type"], delta: string) => void) {
    this.#show = show;
  }

  push(content: string): void {
    let rest = this.#tail + content;
    for (let tag = this.#nextTag(rest); tag; tag = this.#nextTag(rest)) {
      this.#add(rest.slice(0, tag.index));
      this.#enter(tag[0] === OPEN ? "reasoning" : "text");
      rest = rest.slice(tag.index + tag[0].length);
    }
    const keep = unfinishedTag(rest);
    this.#tail = rest.slice(rest.length - keep);
    this.#add(rest.slice(0, rest.length - keep));
  }

  /** The content is complete: what was held back is text after all. */
  end(): void {
    const rest = this.#tail;
    this.#tail = "";
    this.#add(rest);
    if (this.#mode === "unknown") this.#release("text_delta");
  }

  /** A closing tag that closes nothing is text. */
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

/** Length of the longest end of the text that is the beginning of a tag. */
function unfinishedTag(text: string): number {
  const start = text.lastIndexOf("<");
  const end = start < 0 ? "" : text.slice(start);
  return end !== "" && (OPEN.startsWith(end) || CLOSE.startsWith(end)) ? end.length : 0;
}
