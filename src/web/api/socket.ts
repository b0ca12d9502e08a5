import { type ReadonlySignal, signal } from "@preact/signals";
import type { HostMessage, LastSeen } from "./host-messages.js";
import { pageKey } from "./page-key.js";

/** State of the connection. `waiting` means that the next attempt to connect comes after a delay. */
export type LinkState = "connecting" | "open" | "waiting";

export interface Follower {
  /**
   * Called at each connect. Returns the first `seq` that the host should send, and the event before it. Earlier messages without a `seq`
   * (previews of events that were not stored yet) are then no longer valid.
   */
  begin(): { from: number; seen?: LastSeen | undefined };
  take(message: HostMessage): void;
}

const firstDelayMs = 250;
const longestDelayMs = 10_000;
/** Pause before a conversation is followed again whose following has failed, for example while the host does not reach its database. */
const followAgainMs = 1_000;
/** Subprotocol that the page asks for. The page key is sent as a second subprotocol, since a browser cannot set headers for a WebSocket. */
const subprotocol = "mcp-platform";

/**
 * The only WebSocket of the page. The events of followed conversations arrive over it. It reconnects when the link is lost or the host
 * restarts.
 */
export class HostSocket {
  readonly #state = signal<LinkState>("connecting");
  readonly state: ReadonlySignal<LinkState> = this.#state;
  readonly #url: string;
  readonly #followers = new Map<string, { conversationId: string; follower: Follower }>();
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #delayMs = firstDelayMs;
  #lastId = 0;

  constructor(origin: string) {
    this.#url = `${origin.replace(/^http/, "ws")}/ws/chat`;
    window.addEventListener("online", () => this.connectNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.connectNow());
    this.#connect();
  }

  /** Sends the messages of the conversation to the follower until the returned function is called. */
  follow(conversationId: string, follower: Follower): () => void {
    const id = `follow-${++this.#lastId}`;
    this.#followers.set(id, { conversationId, follower });
    if (this.#isOpen) this.#begin(id);
    return () => {
      this.#followers.delete(id);
      if (this.#isOpen) this.#send({ action: "cancel", request_id: id });
    };
  }

  get #isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  #connect(): void {
    const key = pageKey();
    const socket = new WebSocket(this.#url, [subprotocol, ...(key ? [`page.${key}`] : [])]);
    this.#socket = socket;
    this.#state.value = "connecting";
    socket.addEventListener("open", () => {
      this.#delayMs = firstDelayMs;
      this.#state.value = "open";
      for (const id of this.#followers.keys()) this.#begin(id);
    });
    socket.addEventListener("message", ({ data }) => this.#receive(JSON.parse(String(data)) as HostMessage));
    socket.addEventListener("close", () => {
      this.#state.value = "waiting";
      this.#timer = setTimeout(() => this.connectNow(), this.#delayMs * (0.75 + Math.random() / 2));
      this.#delayMs = Math.min(2 * this.#delayMs, longestDelayMs);
    });
  }

  /** Connects at once if the socket waits for its next attempt. */
  connectNow(): void {
    if (this.#state.value !== "waiting") return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  #begin(id: string): void {
    const following = this.#followers.get(id);
    if (!following) return;
    const { conversationId, follower } = following;
    const payload = { ...follower.begin(), follow: true };
    this.#send({ action: "history", request_id: id, conversation_id: conversationId, payload });
  }

  #receive(message: HostMessage): void {
    const id = message.request_id ?? "";
    this.#followers.get(id)?.follower.take(message);
    if (message.status !== "error" || !message.chunk.retryable) return;
    const socket = this.#socket;
    // A new connection follows everything anyway.
    setTimeout(() => socket === this.#socket && this.#isOpen && this.#begin(id), followAgainMs);
  }

  #send(message: object): void {
    this.#socket?.send(JSON.stringify(message));
  }
}
