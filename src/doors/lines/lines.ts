const newline = 0x0a;

/** Maximum size of one message on a pipe, in bytes. A message with one or two images fits. */
export const maxLineBytes = 16 * 1024 * 1024;

/** One line of input without its line end, or the reason why the line could not be read. */
export type ReadLine = { text: string } | { problem: string };

/**
 * Splits bytes into lines, in linear time. Only `\n` ends a line, because JSON may contain U+2028. A `\r` before the `\n` is removed. The
 * last line needs no line end. A line longer than `maxBytes` is dropped while it arrives, so that it never has to fit into memory.
 */
export async function* readLines(input: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<ReadLine> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  const keep = (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > maxBytes) pieces = [];
    else pieces.push(piece);
  };
  const flush = (): ReadLine => {
    const line = bytes > maxBytes ? { problem: `the line is longer than ${maxBytes} bytes` } : decode(pieces);
    pieces = [];
    bytes = 0;
    return line;
  };
  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      keep(chunk.subarray(start, end));
      yield flush();
      start = end + 1;
    }
    keep(chunk.subarray(start));
  }
  if (bytes > 0) yield flush();
}

function decode(pieces: readonly Buffer[]): ReadLine {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(pieces));
    return { text: text.endsWith("\r") ? text.slice(0, -1) : text };
  } catch {
    return { problem: "the line is not valid UTF-8" };
  }
}
