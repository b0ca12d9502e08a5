import type { LiveEvent, StoredEvent } from "../../core/events.js";
import type { Delta } from "../../core/messages.js";
import type { Words } from "./open-message.js";

/**
 * The part of a message that a reader has already been shown. Another host writes the message, or wrote it until the host crashed. If the
 * part turns out not to be a prefix of the message, it is voided.
 */
export class ShownMessage {
  #text = "";
  #reasoning = "";
  /**
   * The message that the last check found to begin with what was shown. It only grows, so its new words are shown without another check.
   */
  #followed: Words | undefined;

  get isEmpty(): boolean {
    return this.#text === "" && this.#reasoning === "";
  }

  /**
   * Returns what to show so that the reader has seen the message as far as it is written. Returns nothing while the message is no longer
   * than what was shown.
   */
  toward(words: Words, reason: string): LiveEvent[] {
    if (this.#followed === words) return this.#rest(words);
    const isOther = !agree(this.#text, words.text) || !agree(this.#reasoning, words.reasoning);
    const voided = isOther ? this.void(reason) : [];
    // While the message is shorter than what was shown, it may still turn out to differ.
    if (words.text.length < this.#text.length || words.reasoning.length < this.#reasoning.length) return [];
    this.#followed = words;
    return [...voided, ...this.#rest(words)];
  }

  /**
   * Returns what to show before this stored event. If nothing was shown of the message yet, returns nothing: the event itself shows the
   * text.
   */
  settle(event: StoredEvent): LiveEvent[] {
    if (this.isEmpty) return [];
    if (event.type !== "assistant_message") return this.void("the answer is not gone on with");
    const { content: text, reasoning = "" } = event.message;
    if (!text.startsWith(this.#text) || !reasoning.startsWith(this.#reasoning)) {
      return this.void("the answer was begun again");
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
