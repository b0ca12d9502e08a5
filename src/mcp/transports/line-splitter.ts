/**
 * Splits bytes into lines, in linear time: chunks are joined once per line, not once per chunk. The SDK's buffer needs quadratic time: 60
 * MB took 31 s.
 */

/** The first and the last characters of a line that was dropped, to identify the line. */
export interface Edges {
  head: string;
  tail: string;
}

export interface LineSink {
  line(text: string): void;
  /** Called when a line was dropped because it was longer than the limit. */
  tooLong(edges: Edges): void;
  /** Called once for a line of which more than `endlessAt` times the limit was read without its end. */
  endless(): void;
}

/** A line that is this many times as long as the limit counts as endless. */
export const endlessAt = 4;

const newline = 0x0a;
const edgeBytes = 256;

export function edgesOf(line: string): Edges {
  return { head: line.slice(0, edgeBytes), tail: line.slice(-edgeBytes) };
}

export class LineSplitter {
  #chunks: Buffer[] = [];
  #bytes = 0;
  readonly #maxBytes: number;
  readonly #sink: LineSink;

  constructor(maxBytes: number, sink: LineSink) {
    this.#maxBytes = maxBytes;
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      if (this.#bytes === 0 && end - start <= this.#maxBytes) this.#sink.line(chunk.toString("utf8", start, end));
      else {
        this.#keep(chunk.subarray(start, end));
        this.#flush();
      }
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  #keep(piece: Buffer): void {
    const most = endlessAt * this.#maxBytes;
    const wasShorter = this.#bytes <= most;
    this.#chunks.push(piece);
    this.#bytes += piece.length;
    if (wasShorter && this.#bytes > most) this.#sink.endless();
    if (this.#bytes > this.#maxBytes && this.#chunks.length > 2) this.#forgetMiddle();
  }

  /**
   * Keeps only the first and the last bytes of a line that is longer than the limit. Copies these bytes, so that the chunks can be freed.
   */
  #forgetMiddle(): void {
    const all = this.#chunks;
    const tail = Buffer.concat(all.slice(-2)).subarray(-edgeBytes);
    this.#chunks = [Buffer.from((all[0] ?? tail).subarray(0, edgeBytes)), Buffer.from(tail)];
  }

  #flush(): void {
    const line = Buffer.concat(this.#chunks);
    const tooLong = this.#bytes > this.#maxBytes;
    this.#chunks = [];
    this.#bytes = 0;
    if (!tooLong) this.#sink.line(line.toString());
    else this.#sink.tooLong({ head: line.toString("utf8", 0, edgeBytes), tail: line.subarray(-edgeBytes).toString() });
  }
}
