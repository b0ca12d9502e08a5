/** Messages between the hosts on one event log that are not worth storing. */

export interface BusMessage {
  channel: string;
  text: string;
}

/** A fast, lossy bus: a lost message is not sent again. */
export interface LiveBus {
  /** Limit of a message, in UTF-8 bytes. */
  readonly maxBytes: number;
  /** Sends messages. Resolves when there is room for more. Never rejects: messages that cannot be sent are lost. */
  send(messages: readonly BusMessage[]): Promise<void>;
  /**
   * Receives this channel's messages from all hosts, including this one, until the returned function is called. `onBegin`: called when
   * receiving begins, and again when messages may have been missed.
   */
  receive(channel: string, onMessage: (text: string) => void, onBegin: () => void): () => void;
}
