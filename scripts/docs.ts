/**
 * Writes the generated parts of the documentation: the table of settings in docs/configuration.md, the index docs/README.md, and llms.txt.
 * tests/docs.test.ts and tests/docs.slow.test.ts read the pages with its functions.
 *
 *   node --import ./scripts/ts-node.mjs scripts/docs.ts write
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { configSchema } from "../src/config/schema/config-schema.js";
import { configTable } from "./config-table.js";

export interface Block {
  language: string;
  code: string;
  /** Number of the block's first line in the page, from 1. */
  line: number;
  /** Lines of the `text` block after a command. The output of the command contains each of them. */
  expected: string[];
}

/** The pages of docs/ in the order of the index, one list for each kind of reader. */
const groups: readonly { title: string; pages: readonly string[] }[] = [
  {
    title: "Use it",
    pages: ["quickstart", "terminal", "page", "editors", "servers", "permissions", "conversations", "limits"],
  },
  { title: "Settings", pages: ["configuration", "providers"] },
  { title: "Build on it", pages: ["http-api", "json-lines", "library", "mcp-gateway", "scripted-sessions"] },
  { title: "Run it", pages: ["operating", "turns", "troubleshooting", "benchmarks"] },
  { title: "Words, and other tools", pages: ["glossary", "coming-from"] },
];

/** Returns the pages in docs/ without the index. Decisions come last. */
export function pagesOfDocs(): string[] {
  const pages = readdirSync("docs").filter((name) => name.endsWith(".md") && name !== "README.md");
  return [...pages.map((name) => `docs/${name}`), ...decisions().map((name) => `docs/decisions/${name}`)];
}

/** Returns the fenced blocks of a Markdown text, in order. */
export function blocksOf(markdown: string): Block[] {
  const fences = [...markdown.matchAll(/^( *)```(\w*)\n([\s\S]*?)^ *```$/gm)];
  return fences.map((fence, index) => {
    const [, indent = "", language = "", code = ""] = fence;
    const [, , nextLanguage, next = ""] = fences[index + 1] ?? [];
    const isCommand = language === "sh" || language === "ts";
    const follows = isCommand && nextLanguage === "text" && isAdjacent(fence, fences[index + 1]);
    return {
      language,
      code: code.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      line: markdown.slice(0, fence.index).split("\n").length,
      expected: follows ? next.trimEnd().split("\n") : [],
    };
  });
}

function isAdjacent(fence: RegExpExecArray, next: RegExpExecArray | undefined): boolean {
  return next !== undefined && next.index - (fence.index + fence[0].length) <= 2;
}

/** Returns a Markdown text without its fenced blocks. */
export function proseOf(markdown: string): string {
  return markdown.replaceAll(/^( *)```\w*\n[\s\S]*?^ *```$/gm, "");
}

/** Returns the ids of the headings of a page, as GitHub makes them. */
export function anchorsOf(markdown: string): string[] {
  const headings = [...proseOf(markdown).matchAll(/^#{1,6} (.*)$/gm)].map(([, text = ""]) => text);
  return headings.map((text) =>
    text
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Returns the page with its table of settings generated from the schema. */
export function withTable(markdown: string): string {
  const section = /(<!-- config-table: .*? -->\n)[\s\S]*?(<!-- \/config-table -->)/;
  return markdown.replace(section, (_, start: string, end: string) => `${start}${configTable(configSchema())}\n${end}`);
}

/** Returns the text of docs/README.md. Throws if a page is in no group. */
export function index(): string {
  const listed = groups.flatMap(({ pages }) => pages.map((name) => `docs/${name}.md`));
  const lost = pagesOfDocs().filter((path) => !path.startsWith("docs/decisions/") && !listed.includes(path));
  if (lost.length > 0) throw new Error(`in no group of scripts/docs.ts: ${lost.join(", ")}`);
  const sections = groups.map(
    ({ title, pages }) => `## ${title}\n\n${pages.map((name) => entry(`docs/${name}.md`, `${name}.md`)).join("\n")}\n`,
  );
  const records = decisions().map((name) => {
    const path = `decisions/${name}`;
    return `- [${titleOf(read(`docs/${path}`))}](${path})`;
  });
  return `${intro}\n${sections.join("\n")}\n## Decisions\n\n${decisionsIntro}\n\n${records.join("\n")}\n`;
}

const intro = `<!-- written by scripts/docs.ts -->
# Documentation

A page for each task. Each one begins with what it is for, an example that the tests run as it is written, and a picture of the idea.

\`\`\`sh
mcp-platform --help
\`\`\`

\`\`\`text
Commands:
\`\`\`

New here? Read the [Quickstart](quickstart.md).
`;

const decisionsIntro =
  "The choices that shaped the code: the context, the choice, the alternatives and the consequences.";

/** Returns the text of llms.txt (https://llmstxt.org): the same pages, for language models. */
export function llmsTxt(): string {
  const sections = groups.map(
    ({ title, pages }) =>
      `## ${title}\n\n${pages.map((name) => entry(`docs/${name}.md`, `docs/${name}.md`)).join("\n")}\n`,
  );
  return `# MCP-Platform

> A Model Context Protocol (MCP) host: it connects a language model to any number of MCP servers and lets it use their tools, from a terminal, a browser, an
> editor, a script, or any client of OpenAI's or Anthropic's API. Every event is stored before it is shown, an unfinished turn continues after a crash, and a
> tool call that may have had an effect is sent again only if a server that you trust says that a repetition changes nothing.

The command is \`mcp-platform\`. Settings are in \`config.yaml\`; \`mcp-platform config schema\` prints the JSON Schema, \`mcp-platform stdio --schema\` that of
the message protocol, and a running \`mcp-platform serve\` answers \`/openapi.json\`.

${sections.join("\n")}
## Optional

- [README](README.md): what it is, and how it compares with other tools
- [Changelog](CHANGELOG.md): what has changed
- [Map of the code](src/README.md): where to find what
- [Decisions](docs/README.md#decisions): why it is built as it is
`;
}

function entry(path: string, link: string): string {
  const page = read(path);
  return `- [${titleOf(page)}](${link}): ${purposeOf(page)}`;
}

function titleOf(markdown: string): string {
  return /^# (.*)$/m.exec(markdown)?.[1] ?? "";
}

/** Returns the first sentence of a page, on one line and without links. */
function purposeOf(markdown: string): string {
  const [, paragraph = ""] = /^# .*\n\n([\s\S]*?)\n\n/m.exec(markdown) ?? [];
  const text = paragraph.replaceAll("\n", " ").replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  return /^.*?\.(?= |$)/.exec(text)?.[0] ?? text;
}

function decisions(): string[] {
  return readdirSync("docs/decisions")
    .map((name) => basename(name))
    .sort();
}

function read(path: string): string {
  return readFileSync(path, "utf8");
}

if (process.argv[2] === "write") {
  writeFileSync("docs/configuration.md", withTable(read("docs/configuration.md")));
  writeFileSync("docs/README.md", index());
  writeFileSync("llms.txt", llmsTxt());
}
