/** Streams to the hosts that write what is followed here: one per host, for all its conversations. */
import type { Offer } from "./offer.js";

/** Path at which a host serves streams to others on its database. */
export const streamPath = "/api/live";

interface StreamsParts {
  nodeId: string;
  machine: string;
  now: () => number;
  /** A stream silent for this long is closed; a failed one is not retried sooner. */
  silentMs: number;
  onText: (text: string) => void;
  /** Called when a stream ends: frames since then may be lost. */
  onLost: () => void;
}

export class Streams {
  readonly #parts: StreamsParts;
  readonly #open = new Map<string, AbortController>();
  /** When a stream to a host was lost or could not be opened. */
  readonly #lostAt = new Map<string, number>();

  constructor(parts: StreamsParts) {
    this.#parts = parts;
  }

  /** Opens a stream, unless one exists or the address is only valid on another machine. */
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

  /** Hosts with a stream that is open or being opened. */
  get from(): string[] {
    return [...this.#open.keys()];
  }

  /** Closes all streams: nothing is followed here. */
  close(): void {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const ended of all) ended.abort();
  }

  /** Reads the stream until it ends for any reason. Never rejects. */
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
      // the bus delivers what is missing
    } finally {
      clearTimeout(silence);
      ended.abort();
    }
  }
}

/** Start of the only line in a server-sent event. */
const prefix = "data: ";
