import { createParser } from "eventsource-parser";

/** Limit of one event, in characters. A server that never ends its line would otherwise fill the memory. */
const MAX_EVENT_LENGTH = 8 * 1024 * 1024;

export type OnEvent = (data: string, event: string | undefined) => void;

export class SseReader {
  readonly #parser;
  #overflow = false;

  constructor(onEvent: OnEvent) {
    this.#parser = createParser({
      maxBufferSize: MAX_EVENT_LENGTH,
      onEvent: ({ data, event }) => onEvent(data, event),
      onError: ({ type, field, value, line }) => {
        this.#overflow ||= type === "max-buffer-size-exceeded";
        if (type !== "unknown-field") return;
        // llama.cpp of 2025 writes `error: {…}`; other servers write an error as a bare line of JSON.
        if (field === "error") onEvent(value ?? "", "error");
        else if (line?.startsWith("{")) onEvent(line, undefined);
      },
    });
  }

  /** Parses a piece of the stream. Returns false if an event was too large; after that, the reader cannot be used any more. */
  feed(text: string): boolean {
    this.#parser.feed(text);
    return !this.#overflow;
  }

  /** Ends the last event even if its blank line is missing. */
  end(): void {
    this.#parser.feed("\n\n");
  }
}
