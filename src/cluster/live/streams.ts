/** Streams from the hosts that write the conversations followed here. There is one stream per host, for all its conversations. */
import { peerStreamPath } from "../../core/cluster-port.js";
import type { StreamOffer } from "./stream-offer.js";

interface StreamsParts {
  nodeId: string;
  machine: string;
  /**
   * Time in ms after which a silent stream is closed. It is also the time to wait, after a stream to a host has failed, before another one
   * is opened.
   */
  silentMs: number;
  onText: (text: string) => void;
  /** Called when a stream has ended. Frames that the host has sent since then may be lost. */
  onLost: () => void;
}

export class Streams {
  readonly #parts: StreamsParts;
  readonly #open = new Map<string, AbortController>();
  /** Host id -> time at which the stream from that host ended or could not be opened. */
  readonly #lostAt = new Map<string, number>();

  constructor(parts: StreamsParts) {
    this.#parts = parts;
  }

  /**
   * Opens a stream to the host that made the offer. Does nothing if there is already a stream to this host, if one failed a short while
   * ago, or if the address is valid only on another machine.
   */
  take(offer: StreamOffer): void {
    const { machine, silentMs } = this.#parts;
    const lostAt = this.#lostAt.get(offer.by) ?? Number.NEGATIVE_INFINITY;
    if (this.#open.has(offer.by) || performance.now() - lostAt < silentMs) return;
    if (offer.machine !== undefined && offer.machine !== machine) return;
    const ended = new AbortController();
    this.#open.set(offer.by, ended);
    void this.#read(offer, ended).finally(() => {
      if (this.#open.get(offer.by) !== ended) return;
      this.#open.delete(offer.by);
      this.#lostAt.set(offer.by, performance.now());
      this.#parts.onLost();
    });
  }

  /** Ids of the hosts to which a stream is open or being opened. */
  get from(): string[] {
    return [...this.#open.keys()];
  }

  /** Closes all streams. Called when this host no longer follows any conversation. */
  close(): void {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const ended of all) ended.abort();
  }

  /** Reads the stream until it ends, for whatever reason. Never rejects. */
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
      // the failure of a stream is not reported, because the missing parts are then sent over the bus
    } finally {
      clearTimeout(silence);
      ended.abort();
    }
  }
}

/** Start of the line that holds the data of a server-sent event. Each event consists of this line only. */
const prefix = "data: ";
