import { describe, expect, test } from "@jest/globals";
import { type ReadLine, readLines } from "../../src/doors/lines/lines.js";

async function* chunksOf(bytes: Buffer, size: number) {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function linesOf(text: string | Buffer, { size = 1_000_000, maxBytes = 100 } = {}): Promise<ReadLine[]> {
  const lines: ReadLine[] = [];
  for await (const line of readLines(chunksOf(Buffer.from(text), size), maxBytes)) lines.push(line);
  return lines;
}

describe("lines of input", () => {
  test("end at line feeds only, also when the last one has none", async () => {
    expect(await linesOf("a\r\nb\u2028c\n\nd")).toEqual([
      { text: "a" },
      { text: "b\u2028c" },
      { text: "" },
      { text: "d" },
    ]);
    expect(await linesOf("")).toEqual([]);
  });

  test("come out the same however the bytes are cut", async () => {
    const text = "ä€😀\r\nzwei\n";
    for (let size = 1; size < 12; size++) expect(await linesOf(text, { size })).toEqual(await linesOf(text));
  });

  test("are reported if they are too long, and the next one is read as usual", async () => {
    const lines = await linesOf(`${"x".repeat(300)}\nshort\n`, { size: 7 });
    expect(lines).toEqual([{ problem: "the line is longer than 100 bytes" }, { text: "short" }]);
  });

  test("may be exactly as long as the limit", async () => {
    expect(await linesOf(`${"x".repeat(100)}\n`)).toEqual([{ text: "x".repeat(100) }]);
  });

  test("are reported if they are not UTF-8", async () => {
    const lines = await linesOf(Buffer.from([0x61, 0xff, 0x0a, 0x62, 0x0a]));
    expect(lines).toEqual([{ problem: "the line is not valid UTF-8" }, { text: "b" }]);
  });
});
