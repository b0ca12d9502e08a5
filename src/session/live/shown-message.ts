import type { Delta, LiveEvent, StoredEvent } from "../../core/chat.js";
import type { Words } from "./open-message.js";

/**
 * The part that a reader has been shown of a message which another host writes, or wrote when it crashed. It is always a prefix of the
 * message; if it proves not to be, it is voided.
 */
export class ShownMessage {
  #text = "";
  #reasoning = "";
  /** The message whose words were all shown at the last check; only its new words are needed from there. */
  #followed: Words | undefined;

  get isEmpty(): boolean {
    return this.#text === "" && this.#reasoning === "";
  }

  /** Returns what to show once the message has at least these words: nothing while they repeat what was shown. */
  toward(words: Words, reason: string): LiveEvent[] {
    if (this.#followed === words) return this.#rest(words);
    const isOther = !agree(this.#text, words.text) || !agree(this.#reasoning, words.reasoning);
    const voided = isOther ? this.void(reason) : [];
    // Until it is as long as what was shown, it may still diverge.
    if (words.text.length < this.#text.length || words.reasoning.length < this.#reasoning.length) return [];
    this.#followed = words;
    return [...voided, ...this.#rest(words)];
  }

  /** Returns what to show before this event. If nothing was shown yet, the event shows its own text. */
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
