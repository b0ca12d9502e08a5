/** Maximum number of bytes of all messages together. Above this number, the largest message is refused. */
const mostBytes = 256 * 1024 * 1024;

export interface ArrivingMessage {
  bytes: number;
  refuse(): void;
}

/**
 * Messages that have arrived in part, on all connections. Their bytes stay in memory until the rest arrives, so they have a limit together.
 */
export class ArrivingMessages {
  readonly #most: number;
  readonly #arriving = new Set<ArrivingMessage>();
  #bytes = 0;

  constructor(most = mostBytes) {
    this.#most = most;
  }

  /** Begins a message. `refuse` is called if the message has to end because it is the largest; the message then no longer counts. */
  begin(refuse: () => void): ArrivingMessage {
    const message = { bytes: 0, refuse };
    this.#arriving.add(message);
    return message;
  }

  /** Counts a piece of this length that has arrived. If all messages together exceed the limit, refuses the largest of them. */
  add(message: ArrivingMessage, length: number): void {
    this.resize(message, message.bytes + pieceBytes(length));
  }

  /** Counts a message of which so many bytes are kept now. If all messages together exceed the limit, refuses the largest of them. */
  resize(message: ArrivingMessage, bytes: number): void {
    if (!this.#arriving.has(message)) return;
    this.#bytes += bytes - message.bytes;
    message.bytes = bytes;
    if (this.#bytes <= this.#most) return;
    let largest = message;
    for (const other of this.#arriving) if (other.bytes > largest.bytes) largest = other;
    this.end(largest);
    largest.refuse();
  }

  /** Ends a message: it has arrived whole, or never will. */
  end(message: ArrivingMessage): void {
    if (this.#arriving.delete(message)) this.#bytes -= message.bytes;
  }
}

/** Number of bytes that a piece of a stream counts at least: a piece of a single byte takes an object of some 250 bytes, and microseconds. */
export const leastPieceBytes = 256;

export const pieceBytes = (length: number) => Math.max(length, leastPieceBytes);
