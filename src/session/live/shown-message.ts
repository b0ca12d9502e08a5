import type { Delta, LiveEvent, StoredEvent } from "../../core/chat.js";
import type { Words } from "./open-message.js";

/**
 * What a reader has been shown of a message that another process writes, or wrote when it died. It is always the beginning of what is
 * true: where it turns out to be something else, it is voided.
 */
export class ShownMessage {
  #text = "";
  #reasoning = "";
  /** All of it was shown when it was last looked at: what it has more goes on from there. */
  #followed: Words | undefined;

  get isEmpty(): boolean {
    return this.#text === "" && this.#reasoning === "";
  }

  /** The message has these words by now, at least: nothing is to be seen while they repeat what was shown. */
  toward(words: Words, reason: string): LiveEvent[] {
    if (this.#followed === words) return this.#rest(words);
    const isOther = !agree(this.#text, words.text) || !agree(this.#reasoning, words.reasoning);
    const voided = isOther ? this.void(reason) : [];
    // Until it has all of what was shown, it may still become another one.
    if (words.text.length < this.#text.length || words.reasoning.length < this.#reasoning.length) return [];
    this.#followed = words;
    return [...voided, ...this.#rest(words)];
  }

  /** Before this event is shown. What nothing was shown of, the event shows by itself. */
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
