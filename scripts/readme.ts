/** Keeps README.md true: `write` puts the configuration table in; `readmeBlocks` and `withTable` are what its test runs. */
import { readFileSync, writeFileSync } from "node:fs";
import { configSchema } from "../src/config/schema.js";
import { configTable } from "./config-table.js";

export interface Block {
  language: string;
  code: string;
  /** The lines of the `text` block that follows a command: each is part of what it prints. */
  expected: string[];
}

/** The fenced blocks of a Markdown text that can be run (`sh`, `ts`), in order. */
export function readmeBlocks(markdown: string): Block[] {
  const fences = [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)];
  return fences.flatMap(([, language = "", code = ""], index) => {
    if (language !== "sh" && language !== "ts") return [];
    const [, nextLanguage, next = ""] = fences[index + 1] ?? [];
    const follows = nextLanguage === "text" && isAdjacent(fences[index], fences[index + 1]);
    return [{ language, code, expected: follows ? next.trimEnd().split("\n") : [] }];
  });
}

/** The README with a table that says what the schema says. */
export function withTable(markdown: string): string {
  const section = /(<!-- config-table: .*? -->\n)[\s\S]*?(<!-- \/config-table -->)/;
  return markdown.replace(section, (_, start: string, end: string) => `${start}${configTable(configSchema())}\n${end}`);
}

function isAdjacent(fence: RegExpExecArray | undefined, next: RegExpExecArray | undefined): boolean {
  return fence !== undefined && next !== undefined && next.index - (fence.index + fence[0].length) <= 2;
}

if (process.argv[2] === "write") {
  writeFileSync("README.md", withTable(readFileSync("README.md", "utf8")));
}
