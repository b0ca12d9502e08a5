/** What processes on one event log tell each other at once, because it is not worth storing. */

export interface BusMessage {
  channel: string;
  text: string;
}

/** Fast and lossy: a message may be lost, and is not sent again then. */
export interface LiveBus {
  /** The most that a message may have, in UTF-8 bytes. */
  readonly maxBytes: number;
  /** Resolves when there is room for more. Never rejects: what could not be sent is lost. */
  send(messages: readonly BusMessage[]): Promise<void>;
  /**
   * Messages of this channel from all processes, also this one, until the returned function is called. `onBegin`: they are received from
   * here on; called again when some may have been missed.
   */
  receive(channel: string, onMessage: (text: string) => void, onBegin: () => void): () => void;
}
