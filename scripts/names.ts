/**
 * `node --import ./scripts/ts-node.mjs scripts/names.ts`: prints the names of src/ that stand for two ideas: types, classes and functions
 * that two files export, and files with the same name.
 */

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { sourceFiles } from "./comments.js";

/** Folders that hold the same idea once for each engine, wire or front door. They may share names with each other. */
const families: readonly RegExp[] = [
  /^src\/log\/(?:(?:sqlite|postgres|memory)\/(?:.*\/)?)?[^/]+$/,
  /^src\/llm\/wires\/(?:chat|responses|messages|gemini)\//,
  /^src\/doors\//,
];

/** Folders whose files are named after something outside the tree: commands, and programs whose servers can be imported. */
const namedFromOutside = /^src\/(?:cli\/commands|config\/import\/programs)\//;

/** Names that may be declared twice, with the reason. */
const sameIdea: Readonly<Record<string, string>> = {
  "main.tsx": "the entry of each of the two pages that Vite builds",
  "index.ts": "the public interface of a folder",
  runScript: "the library's function, and the one that it loads on its first call",
  schemaText: "the schema of config.yaml and of session files; `config schema` prints either",
};

const declaration =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:type|interface|class|enum|const|function\*?) ([A-Za-z_$][\w$]*)/gm;

/** Returns the repeated names that stand for two ideas, each with its files: `name: file file`. */
export function namesWithTwoIdeas(): string[] {
  const paths = sourceFiles("src");
  const declared = paths.flatMap((path) =>
    [...readFileSync(path, "utf8").matchAll(declaration)].map(([, name = ""]) => [name, path] as const),
  );
  const files = paths.filter((path) => !namedFromOutside.test(path)).map((path) => [basename(path), path] as const);
  return [...repeated(declared), ...repeated(files)];
}

function repeated(pairs: readonly (readonly [name: string, path: string])[]): string[] {
  const places = new Map<string, Set<string>>();
  for (const [name, path] of pairs) places.set(name, (places.get(name) ?? new Set()).add(path));
  return [...places]
    .filter(([name, found]) => !(name in sameIdea) && new Set([...found].map(familyOf)).size > 1)
    .map(([name, found]) => `${name}: ${[...found].join(" ")}`);
}

/** Returns a text that is the same for all files of a family, and for no other file. */
function familyOf(path: string): string {
  const family = families.findIndex((pattern) => pattern.test(path));
  return family < 0 ? path : String(family);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  for (const line of namesWithTwoIdeas()) process.stdout.write(`${line}\n`);
