/**
 * `node --import ./scripts/ts-node.mjs scripts/comments.ts [COUNT] [SEED]`: prints COUNT (100) comments of src/ drawn at random, each with
 * its file, its line and the line of code after it. The same SEED (1) draws the same comments. For reviewers: give the comments to somebody
 * who has not seen the code, and ask which had to be read twice.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const comment = /\/\*\*?([\s\S]*?)\*\/|^[ \t]*\/\/.*(?:\n[ \t]*\/\/.*)*|(?<=[ \t])\/\/ .*$/gm;

interface SourceComment {
  line: number;
  /** The text on one line, without comment marks. */
  words: string;
  /** The line of code after the comment. */
  next: string;
}

/** Returns the comments of a TypeScript text with their lines. Comments for tools (`biome-ignore`) are left out. */
export function commentsIn(source: string): SourceComment[] {
  return [...source.matchAll(comment)]
    .map(({ 0: text, index }) => ({
      line: source.slice(0, index).split("\n").length,
      words: text
        .replace(/^\s*(?:\/\*\*?|\*\/|\*|\/\/)|\*\/$/gm, "")
        .replace(/\s+/g, " ")
        .trim(),
      next:
        source
          .slice(index + text.length)
          .trimStart()
          .split("\n", 1)[0] ?? "",
    }))
    .filter(({ words }) => words !== "" && !/^(?:biome-|@|\/|#)/.test(words));
}

/** Returns the paths of all TypeScript files below a folder, in the same order on every machine. */
export function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path))
    .sort()
    .map((path) => join(folder, path));
}

/** Returns a function that returns the next number, from 0 to 1, of a fixed random sequence (mulberry32). */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function main(count: number, seed: number): void {
  const all = sourceFiles("src").flatMap((path) =>
    commentsIn(readFileSync(path, "utf8")).map((each) => ({ path, ...each })),
  );
  const next = numbersFrom(seed);
  for (let left = Math.min(count, all.length); left > 0; left--) {
    for (const { path, line, words, next: code } of all.splice(Math.floor(next() * all.length), 1))
      process.stdout.write(`${path}:${line}\n  ${words}\n    ${code}\n`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  main(Number(process.argv[2] ?? 100), Number(process.argv[3] ?? 1));
