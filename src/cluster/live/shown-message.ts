import type { LiveEvent, StoredEvent } from "../../core/events.js";
import type { Delta } from "../../core/messages.js";
import type { Words } from "./open-message.js";

/**
 * The part of a message that a reader has already been shown. Another host is writing the message, or wrote it until it crashed. If the
 * message turns out not to begin with this part, the part is voided.
 */
export class ShownMessage {
  #text = "";
  #reasoning = "";
  /**
   * The message that began with the shown part when it was last checked. A message only grows, so new text of this message is shown without
   * another check.
   */
  #followed: Words | undefined;

  get isEmpty(): boolean {
    return this.#text === "" && this.#reasoning === "";
  }

  /**
   * Returns what must still be shown so that the reader has the message as far as it is written. Returns nothing as long as the message is
   * not longer than the part shown.
   */
  toward(words: Words, reason: string): LiveEvent[] {
    if (this.#followed === words) return this.#rest(words);
    const isOther = !agree(this.#text, words.text) || !agree(this.#reasoning, words.reasoning);
    const voided = isOther ? this.void(reason) : [];
    // While the message is shorter than what was shown, the message may still turn out to differ from what was shown.
    if (words.text.length < this.#text.length || words.reasoning.length < this.#reasoning.length) return [];
    this.#followed = words;
    return [...voided, ...this.#rest(words)];
  }

  /**
   * Returns what to show before this stored event. Returns nothing if no part of the message was shown yet, because the event itself
   * contains the text.
   */
  settle(event: StoredEvent): LiveEvent[] {
    if (this.isEmpty) return [];
    if (event.type !== "assistant_message") return this.void("the answer is not continued");
    const { content: text, reasoning = "" } = event.message;
    if (!text.startsWith(this.#text) || !reasoning.startsWith(this.#reasoning)) {
      return this.void("the answer was restarted");
    }
    const rest = this.#rest({ text, reasoning });
    this.#clear();
    return rest;
  }

  void(reason: string): LiveEvent[] {
    const events: LiveEvent[] = this.isEmpty ? [] : [{ type: "discard", reason }];
    this.#clear();
    return events;
  }

  #rest({ text, reasoning }: Words): Delta[] {
    const thought = reasoning.slice(this.#reasoning.length);
    const said = text.slice(this.#text.length);
    this.#reasoning += thought;
    this.#text += said;
    return [
      ...(thought ? [{ type: "reasoning_delta" as const, delta: thought }] : []),
      ...(said ? [{ type: "text_delta" as const, delta: said }] : []),
    ];
  }

  #clear(): void {
    this.#text = "";
    this.#reasoning = "";
    this.#followed = undefined;
  }
}

function agree(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}
