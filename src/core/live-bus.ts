/** Port for messages between the hosts on one event log. The messages need not survive, so they are not stored. */

export interface BusMessage {
  channel: string;
  text: string;
}

/** A fast bus that may lose messages. A lost message is not sent again. */
export interface LiveBus {
  /** Maximum size of a message, in UTF-8 bytes. */
  readonly maxBytes: number;
  /** Sends messages. Resolves when there is room for more. Never rejects: messages that cannot be sent are lost. */
  send(messages: readonly BusMessage[]): Promise<void>;
  /**
   * Receives this channel's messages from all hosts, including this host, until the returned function is called. `onBegin` is called when
   * receiving begins. It is called again whenever messages may have been missed.
   */
  receive(channel: string, onMessage: (text: string) => void, onBegin: () => void): () => void;
}
