/**
 * `node --import ./scripts/ts-node.mjs scripts/comments.ts [COUNT] [SEED]`: prints COUNT (100) comments of src/ drawn at random, each with
 * its file and the code around it, as a reader of the file meets it. `>` marks the comment. The same SEED (1) draws the same comments. For
 * reviewers: give the comments to somebody who has not seen the code, and ask which had to be read twice.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const comment = /\/\*\*?([\s\S]*?)\*\/|^[ \t]*\/\/.*(?:\n[ \t]*\/\/.*)*|(?<=[ \t])\/\/ .*$/gm;

interface SourceComment {
  line: number;
  /** The text on one line, without comment marks. */
  words: string;
  /** Number of lines that the comment takes. */
  lines: number;
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
      lines: text.split("\n").length,
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

/** Number of lines of code that are printed before and after a comment. */
const [linesBefore, linesAfter] = [4, 8];

function main(count: number, seed: number): void {
  const all = sourceFiles("src").flatMap((path) => {
    const source = readFileSync(path, "utf8");
    const code = source.split("\n");
    return commentsIn(source).map(({ line, lines }) => {
      const isComment = (index: number) => index >= line - 1 && index < line - 1 + lines;
      const marked = code.map((text, index) => `${isComment(index) ? ">" : " "} ${text}`);
      const around = marked.slice(Math.max(0, line - 1 - linesBefore), line - 1 + lines + linesAfter);
      return { place: `${path}:${line}`, around };
    });
  });
  const next = numbersFrom(seed);
  for (let left = Math.min(count, all.length); left > 0; left--) {
    for (const { place, around } of all.splice(Math.floor(next() * all.length), 1))
      process.stdout.write(`=== ${place}\n${around.join("\n")}\n\n`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  main(Number(process.argv[2] ?? 100), Number(process.argv[3] ?? 1));
