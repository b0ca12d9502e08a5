import { createParser } from "eventsource-parser";
import { EventSize } from "../../outbound/event-size.js";

/** Limit of one event, as EventSize measures it. A server that never ends its event would otherwise fill the memory. */
const maxEventSize = 8 * 1024 * 1024;

export type OnEvent = (data: string, event: string | undefined) => void;

export class SseReader {
  readonly #parser;
  readonly #size = new EventSize();

  constructor(onEvent: OnEvent) {
    this.#parser = createParser({
      onEvent: ({ data, event }) => onEvent(data, event),
      onError: ({ type, field, value, line }) => {
        if (type !== "unknown-field") return;
        // llama.cpp of 2025 writes `error: {…}`; other servers write an error as a bare line of JSON.
        if (field === "error") onEvent(value ?? "", "error");
        else if (line?.startsWith("{")) onEvent(line, undefined);
      },
    });
  }

  /** Parses a piece of the stream. Returns false if an event was too large; after that, the reader cannot be used any more. */
  feed(text: string): boolean {
    if (this.#size.add(text) > maxEventSize) return false;
    this.#parser.feed(text);
    return true;
  }

  /** Ends the last event even if its blank line is missing. */
  end(): void {
    this.#parser.feed("\n\n");
  }
}
