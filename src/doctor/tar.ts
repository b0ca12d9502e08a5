/** Writes a tar archive (POSIX ustar: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html) of a few small texts. */

const blockBytes = 512;
const longestName = 100;

export interface TarFile {
  /** Path within the archive, in ASCII, with `/` between folders. */
  name: string;
  text: string;
}

/**
 * Returns the archive. `seconds` is the modification time of all its files, in seconds since the epoch. Throws RangeError if a name is
 * longer than 100 bytes.
 */
export function tarOf(files: readonly TarFile[], seconds: number): Buffer {
  const parts = files.flatMap(({ name, text }) => {
    const body = Buffer.from(text);
    return [header(name, body.length, seconds), body, Buffer.alloc(-body.length & (blockBytes - 1))];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)]);
}

function header(name: string, bytes: number, seconds: number): Buffer {
  if (Buffer.byteLength(name) > longestName) throw new RangeError(`${name} is longer than ${longestName} bytes`);
  const block = Buffer.alloc(blockBytes);
  block.write(name, 0);
  block.write(octal(0o600, 8), 100);
  block.write(octal(0, 8), 108); // user id
  block.write(octal(0, 8), 116); // group id
  block.write(octal(bytes, 12), 124);
  block.write(octal(seconds, 12), 136);
  block.write(" ".repeat(8), 148); // the checksum is computed with spaces in its own field
  block.write("0", 156); // type of the entry: a regular file
  block.write("ustar\u000000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 7)} `, 148);
  return block;
}

/** Returns the number as octal digits that fill `width` bytes, including a final NUL. */
function octal(value: number, width: number): string {
  return `${Math.floor(value)
    .toString(8)
    .padStart(width - 1, "0")}\0`;
}
