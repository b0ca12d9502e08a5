/** Streams to the processes that write what is followed here: one to each, for all of its conversations. */
import type { Offer } from "./offer.js";

/** The door that a process has open for others on its database. */
export const streamPath = "/api/live";

interface StreamsParts {
  nodeId: string;
  machine: string;
  now: () => number;
  /** A stream that says nothing for this long is given up, and one that could not be opened is not tried again before. */
  silentMs: number;
  onText: (text: string) => void;
  /** What a process has written since may not have come. */
  onLost: () => void;
}

export class Streams {
  readonly #parts: StreamsParts;
  readonly #open = new Map<string, AbortController>();
  /** When a stream to a process was lost, or not to be had. */
  readonly #lostAt = new Map<string, number>();

  constructor(parts: StreamsParts) {
    this.#parts = parts;
  }

  /** Opens a stream, unless there is one or the address is another machine's own. */
  take(offer: Offer): void {
    const { machine, now, silentMs } = this.#parts;
    const lostAt = this.#lostAt.get(offer.by) ?? Number.NEGATIVE_INFINITY;
    if (this.#open.has(offer.by) || now() - lostAt < silentMs) return;
    if (offer.machine !== undefined && offer.machine !== machine) return;
    const ended = new AbortController();
    this.#open.set(offer.by, ended);
    void this.#read(offer, ended).finally(() => {
      if (this.#open.get(offer.by) !== ended) return;
      this.#open.delete(offer.by);
      this.#lostAt.set(offer.by, now());
      this.#parts.onLost();
    });
  }

  /** The processes that there is a stream to, or is about to be. */
  get from(): string[] {
    return [...this.#open.keys()];
  }

  /** Nobody here follows anything. */
  close(): void {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const ended of all) ended.abort();
  }

  /** Until it ends, however it does. Never rejects. */
  async #read({ url, secret }: Offer, ended: AbortController): Promise<void> {
    const { nodeId, silentMs, onText } = this.#parts;
    const silence = setTimeout(() => ended.abort(), silentMs);
    silence.unref();
    try {
      const response = await fetch(new URL(`${streamPath}?node=${encodeURIComponent(nodeId)}`, url), {
        headers: { authorization: `Bearer ${secret}` },
        redirect: "error",
        signal: ended.signal,
      });
      if (response.status !== 200 || !response.body) return;
      const decoder = new TextDecoder();
      let rest = "";
      for await (const bytes of response.body) {
        silence.refresh();
        const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line.startsWith(prefix)) onText(line.slice(prefix.length));
      }
    } catch {
      // what it would have said comes by the bus
    } finally {
      clearTimeout(silence);
      ended.abort();
    }
  }
}

/** Of the one line of a server-sent event. */
const prefix = "data: ";
