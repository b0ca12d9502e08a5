import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { LineSplitter } from "../../src/mcp/transports/line-splitter.js";

function split(maxBytes: number, chunks: Buffer[]) {
  const lines: string[] = [];
  const dropped: { head: string; tail: string }[] = [];
  let endless = 0;
  const splitter = new LineSplitter(maxBytes, {
    line: (text) => lines.push(text),
    tooLong: (edges) => dropped.push(edges),
    endless: () => endless++,
  });
  for (const chunk of chunks) splitter.push(chunk);
  return { lines, dropped, endless };
}

test("lines come out whole, wherever the bytes were cut", () => {
  const line = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", ""));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat()), (lines, cuts) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(""));
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
      expect(split(1000, chunks).lines).toEqual(lines);
    }),
  );
});

test("a line beyond the limit is dropped except for its ends, and the next one is read", () => {
  const chunks = ["first\n", `<${"x".repeat(700)}`, "y".repeat(700), `${"z".repeat(700)}>`, "\nlast\n"];
  const { lines, dropped } = split(
    1000,
    chunks.map((text) => Buffer.from(text)),
  );
  expect(lines).toEqual(["first", "last"]);
  expect(dropped).toEqual([{ head: `<${"x".repeat(255)}`, tail: `${"z".repeat(255)}>` }]);
});

test("a line that is four times the limit without an end is reported once", () => {
  const chunks = (length: number) => Array.from({ length }, () => Buffer.from("x".repeat(1000)));
  expect(split(1000, chunks(4)).endless).toBe(0);
  expect(split(1000, chunks(9)).endless).toBe(1);
});
