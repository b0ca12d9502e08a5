/** Maximum number of bytes of all uploads together. Above this number, the largest upload is refused. */
const mostBytes = 256 * 1024 * 1024;

/** Number of bytes that a piece counts at least, because a piece of a single byte takes an object of some 250 bytes. */
const leastOfPiece = 256;

export interface Upload {
  bytes: number;
  refuse(): void;
}

/**
 * The request bodies and WebSocket messages that have arrived in part, on all connections. Their bytes stay in memory until the rest arrives,
 * so they have a limit together.
 */
export class Uploads {
  readonly #most: number;
  readonly #running = new Set<Upload>();
  #bytes = 0;

  constructor(most = mostBytes) {
    this.#most = most;
  }

  /** Begins an upload. `refuse` is called if the upload has to end because it is the largest; the upload then no longer counts. */
  begin(refuse: () => void): Upload {
    const upload = { bytes: 0, refuse };
    this.#running.add(upload);
    return upload;
  }

  /** Counts a piece that has arrived. If all uploads together exceed the limit, refuses the largest of them. */
  add(upload: Upload, pieceBytes: number): void {
    if (!this.#running.has(upload)) return;
    const bytes = Math.max(pieceBytes, leastOfPiece);
    upload.bytes += bytes;
    this.#bytes += bytes;
    if (this.#bytes <= this.#most) return;
    let largest = upload;
    for (const other of this.#running) if (other.bytes > largest.bytes) largest = other;
    this.end(largest);
    largest.refuse();
  }

  /** Ends an upload: it has arrived whole, or never will. */
  end(upload: Upload): void {
    if (this.#running.delete(upload)) this.#bytes -= upload.bytes;
  }
}
