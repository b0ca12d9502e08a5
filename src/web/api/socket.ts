import { type ReadonlySignal, signal } from "@preact/signals";
import type { HostMessage } from "./host-messages.js";
import { pageKey } from "./page-key.js";

/** State of the connection. `waiting` means that the next attempt to connect comes after a delay. */
export type LinkState = "connecting" | "open" | "waiting";

/** Takes the messages with which the host answers a request for as long as the page follows it. */
export interface Follower<Message extends { status: string } = HostMessage> {
  /**
   * Called at each connect. Returns the request without its id. Earlier messages without a `seq` (previews of events that were not stored
   * yet) are then no longer valid.
   */
  begin(): object;
  take(message: Message): void;
}

const firstDelayMs = 250;
const longestDelayMs = 10_000;
/** Pause before a conversation is followed again whose following has failed, for example while the host does not reach its database. */
const followAgainMs = 1_000;
/** Subprotocol that the page asks for. The page key is sent as a second subprotocol, since a browser cannot set headers for a WebSocket. */
const subprotocol = "mcp-platform";

/**
 * The only WebSocket of the page. The events of followed conversations, and changes of the list of them, arrive over it. It reconnects when the link is lost or the host
 * restarts.
 */
export class HostSocket {
  readonly #state = signal<LinkState>("connecting");
  readonly state: ReadonlySignal<LinkState> = this.#state;
  readonly #url: string;
  readonly #followers = new Map<string, Follower>();
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

  /** Sends the follower's request, and passes it the answers until the returned function is called. */
  follow<Message extends { status: string }>(follower: Follower<Message>): () => void {
    const id = `follow-${++this.#lastId}`;
    this.#followers.set(id, follower as unknown as Follower); // the host answers a request with messages of its kind
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
    const follower = this.#followers.get(id);
    if (follower) this.#send({ request_id: id, ...follower.begin() });
  }

  #receive(message: HostMessage): void {
    const id = message.request_id ?? "";
    this.#followers.get(id)?.take(message);
    if (message.status !== "error" || !message.chunk.retryable) return;
    const socket = this.#socket;
    // A new connection follows everything anyway.
    setTimeout(() => socket === this.#socket && this.#isOpen && this.#begin(id), followAgainMs);
  }

  #send(message: object): void {
    this.#socket?.send(JSON.stringify(message));
  }
}
