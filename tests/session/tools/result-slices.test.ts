import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { jsonSlice } from "../../../src/session/tools/json-slice.js";
import { grep, linesOf, readCharacters } from "../../../src/session/tools/result-slices.js";
import { runs } from "../../support/runs.js";

const { signal } = new AbortController();
const lines = Array.from(
  { length: 50_000 },
  (_, index) => `line ${index + 1}${index === 40_000 ? " needle" : ""}`,
).join("\n");

test("pieces that each continue the one before give the whole text, whatever its characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), fc.integer({ min: 8, max: 60 }), (text, maxBytes) => {
      let whole = "";
      for (let start: number | undefined = 0; start !== undefined; ) {
        const answer = readCharacters(text, { start }, maxBytes);
        const cut = answer.lastIndexOf("\n[characters");
        whole += answer.slice(0, cut);
        expect(Buffer.byteLength(answer.slice(0, cut))).toBeLessThanOrEqual(maxBytes);
        const next: string | undefined = /go on with start: (\d+)/.exec(answer.slice(cut))?.[1];
        start = next === undefined ? undefined : Number(next);
      }
      expect(whole).toBe(text);
    }),
  );
});

test("a piece begins and ends with whole characters, also if the model asks for half of one", () => {
  const text = "a😀b😀";
  expect(readCharacters(text, { start: 2, length: 1 }, 100)).toMatch(/^😀\n\[characters 1 to 3 of 6;/);
  expect(readCharacters(text, { start: 0, length: 5 }, 100)).toMatch(/^a😀b😀\n\[characters 0 to 6 of 6;/);
});

test("lines are counted from 1, and the answer says where it is", async () => {
  const answer = await linesOf(lines, { startLine: 40_001, count: 2 }, 1_000);
  expect(answer).toMatch(/^line 40001 needle\nline 40002\n\n\[characters \d+ to \d+ of \d+; go on/);
  await expect(linesOf(lines, { startLine: 50_001, count: 1 }, 1_000)).rejects.toThrow("fewer than 50001 lines");
});

test("a search returns the lines that match, with the characters to read on from", async () => {
  const answer = await grep(lines, { pattern: "needle$", start: 0, signal }, 1_000);
  expect(answer).toMatch(/^\d+: line 40001 needle\n\[.*no more matches\]$/);
  const start = Number(answer.split(":")[0]);
  expect(lines.slice(start, start + 6)).toBe("needle");
  expect(await grep(lines, { pattern: "needle", start: start + 1, signal }, 1_000)).toMatch(/^no match/);
});

test("a search with many matches is bounded and continues where it ended, without missing any", async () => {
  const found: string[] = [];
  for (let start: number | undefined = 0; start !== undefined; ) {
    const answer: string = await grep(lines, { pattern: "^line \\d*77$", start, signal }, 500);
    found.push(...(answer.match(/line \d+/g) ?? []));
    expect(Buffer.byteLength(answer)).toBeLessThan(700);
    const next = /go on with start: (\d+)/.exec(answer)?.[1];
    start = next === undefined ? undefined : Number(next);
  }
  expect(found).toHaveLength(500);
  expect(new Set(found).size).toBe(500);
});

test("one long line is searched too: the text around the match is shown", async () => {
  const text = `${"x".repeat(2_500_000)}needle${"y".repeat(2_500_000)}`;
  const answer = await grep(text, { pattern: "ne+dle", start: 0, signal }, 1_000);
  expect(answer).toMatch(/^2500000: x{120}needley+\n/);
  expect(answer.length).toBeLessThan(500);
});

test("a pattern that backtracks for ever is given up, and does not block the event loop", async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 10);
  const evil = { pattern: "^(a+)+$", start: 0, signal };
  await expect(grep(`${"a".repeat(50)}!`, evil, 1_000)).rejects.toThrow("takes too long");
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(0);
});

test("a pattern that does not compile is searched for as text", async () => {
  expect(await grep("f(x\ng(x", { pattern: "g(x", start: 0, signal }, 1_000)).toContain("g(x");
});

test("every value of a JSON text is found by its pointer", async () => {
  const pointerOf = (path: readonly string[]) =>
    path.map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  const values = (value: unknown, path: readonly string[]): [string, unknown][] => [
    [pointerOf(path), value],
    ...(typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([key, child]) => values(child, [...path, key]))
      : []),
  ];
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 2), async (value, indent) => {
      for (const [pointer, expected] of values(JSON.parse(JSON.stringify(value)), [])) {
        const slice = await jsonSlice(JSON.stringify(value, null, indent), pointer);
        expect(typeof expected === "string" ? slice : JSON.parse(slice)).toEqual(expected);
      }
    }),
    { numRuns: runs(300) },
  );
});

test.each([
  ['{"a":{"b":1,"c":2}}', "/a/d", 'there is no "d" at /a; its keys: b, c'],
  ["[1,2]", "/7", 'there is no "7" at the top; it has 2 items'],
  ['{"a":1}', "/a/b", 'there is no "b" at /a; it is neither an object nor a list'],
  ["plain words", "/a", "neither an object nor a list"],
  ['{"a":[1,2', "/b", "not JSON"],
  ['{"a" 1}', "/a", "not JSON"],
  ['{"a":"open', "/a", "not JSON"],
  ["{}", "a", 'begins with "/"'],
])("%s at %s: %s", async (text, pointer, problem) => {
  await expect(jsonSlice(text, pointer)).rejects.toThrow(problem);
});
