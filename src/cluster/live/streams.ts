/** Streams from the hosts that write the conversations followed here. There is one stream per host, for all its conversations. */
import { peerStreamPath } from "../../core/cluster-port.js";
import type { StreamOffer } from "./stream-offer.js";

interface StreamsParts {
  nodeId: string;
  machine: string;
  now: () => number;
  /**
   * Time in ms after which a silent stream is closed. After a stream has failed, no new stream to the same host is opened for this time.
   */
  silentMs: number;
  onText: (text: string) => void;
  /** Called when a stream has ended. Frames that were sent since then may be lost. */
  onLost: () => void;
}

export class Streams {
  readonly #parts: StreamsParts;
  readonly #open = new Map<string, AbortController>();
  /** Times at which the stream to a host ended or could not be opened, by the id of the host. */
  readonly #lostAt = new Map<string, number>();

  constructor(parts: StreamsParts) {
    this.#parts = parts;
  }

  /**
   * Opens a stream to the host that made the offer. Does nothing if there is one already, if a stream to the host failed a short while ago,
   * or if the address is valid only on another machine.
   */
  take(offer: StreamOffer): void {
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

  /** Ids of the hosts to which a stream is open or being opened. */
  get from(): string[] {
    return [...this.#open.keys()];
  }

  /** Closes all streams. Called when nothing is followed here any more. */
  close(): void {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const ended of all) ended.abort();
  }

  /** Reads the stream until it ends for any reason. Never rejects. */
  async #read({ url, secret }: StreamOffer, ended: AbortController): Promise<void> {
    const { nodeId, silentMs, onText } = this.#parts;
    const silence = setTimeout(() => ended.abort(), silentMs);
    silence.unref();
    try {
      const response = await fetch(new URL(`${peerStreamPath}?node=${encodeURIComponent(nodeId)}`, url), {
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
      // a failed stream needs no error: missing parts are sent over the bus
    } finally {
      clearTimeout(silence);
      ended.abort();
    }
  }
}

/** Beginning of the line with the data in a server-sent event. Each event has only this line. */
const prefix = "data: ";
