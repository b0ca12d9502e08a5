import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { load, loadAll } from "js-yaml";
import { anchorsOf, blocksOf, index, llmsTxt, pagesOfDocs, proseOf, withTable } from "../scripts/docs.js";
import { configSchema } from "../src/config/schema/config-schema.js";
import { messageSchemas } from "../src/doors/protocol/message-schema.js";
import { exitCodes } from "../src/doors/shared/exit-codes.js";
import type { ScriptObject } from "../src/index.js";
import { assertionTypes } from "../src/scripted/assertions/assertions.js";
import { readScript } from "../src/scripted/reading/read-script.js";
import { errorsOf, loadText } from "./config/folder.js";
import { isClientMessage } from "./support/schemas/message-schemas.js";

const read = (path: string) => readFileSync(path, "utf8");
const pages = ["README.md", "docs/README.md", ...pagesOfDocs()];
const isRecord = (path: string) => path.startsWith("docs/decisions/");
const outOfDate = "run `node --import ./scripts/ts-node.mjs scripts/docs.ts write`";

/** All texts for people: the pages and the Markdown files next to the code. */
const written = [
  ...readdirSync(".").filter((name) => name.endsWith(".md") && name !== "README.md"),
  "src/README.md",
  ...["scripts", "examples", ".github"].filter((folder) => existsSync(folder)).flatMap(markdownIn),
  ...pages,
];

function markdownIn(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(".md") && !name.includes("node_modules"))
    .map((name) => join(folder, name));
}

test("the README is a first page", () => {
  const readme = read("README.md");
  expect(readme.split("\n", 1)[0]).toContain("Model Context Protocol");
  expect(readme.split("\n").length).toBeLessThanOrEqual(250);
  expect(readme.split(/\s+/).length).toBeLessThanOrEqual(2_500);
  expect(readme.split("\n").slice(0, 20).join("\n")).toContain("](docs/images/page.png)");
  const code = blocksOf(readme)[0]?.code;
  expect(code).toContain('npm ci && npm start -- run "');
  expect(code).toContain("npm ci && npm test");
});

test("pictures are small", () => {
  const large = readdirSync("docs/images").filter((name) => statSync(join("docs/images", name)).size > 150_000);
  expect(large).toEqual([]);
});

test("the index, the table of settings and llms.txt match the pages and the schema", () => {
  const stale = [
    read("docs/README.md") === index() ? "" : "docs/README.md",
    read("llms.txt") === llmsTxt() ? "" : "llms.txt",
    read("docs/configuration.md") === withTable(read("docs/configuration.md")) ? "" : "docs/configuration.md",
  ].filter(Boolean);
  expect(stale.map((path) => `${path}: ${outOfDate}`)).toEqual([]);
});

test("every page has an example that runs in its first screen", () => {
  const late = pages.filter((path) => {
    const first = blocksOf(read(path)).find(({ language }) => language === "sh" || language === "ts");
    return !isRecord(path) && (first?.line ?? Number.POSITIVE_INFINITY) > 30;
  });
  expect(late).toEqual([]);
});

test("every page of docs has a picture of its idea in its first screen", () => {
  const plain = pagesOfDocs().filter((path) => {
    const first = read(path).split("\n").slice(0, 40).join("\n");
    return !isRecord(path) && !/^!\[/m.test(first) && !/^```text\n[^`]*[►─][^`]*^```$/m.test(first);
  });
  expect(plain).toEqual([]);
});

test("every record of a decision says context, choice, alternatives and consequences", () => {
  const parts = ["Context", "Choice", "Alternatives", "Consequences"];
  const missing = pages.filter(isRecord).flatMap((path) => {
    const text = read(path);
    return parts.filter((part) => !new RegExp(`^\\*\\*${part}\\b`, "m").test(text)).map((part) => `${path}: ${part}`);
  });
  expect(missing).toEqual([]);
});

test("no cell of a table is longer than 200 characters", () => {
  const long = pages.flatMap((path) => {
    const rows = proseOf(read(path))
      .split("\n")
      .filter((line) => line.startsWith("|"));
    const cells = rows.flatMap((row) => row.split(/(?<!\\)\|/)).map((cell) => cell.trim());
    return cells.filter((cell) => cell.length > 200).map((cell) => `${path}: ${cell}`);
  });
  expect(long).toEqual([]);
});

test("every link leads somewhere", () => {
  const broken = written.flatMap((path) => {
    const text = proseOf(read(path)).replaceAll(/`[^`\n]*`/g, "");
    const inline = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const defined = new Map(
      [...text.matchAll(/^\[([^\]]+)\]: (\S+)$/gm)].map(([, name = "", target = ""]) => [name, target]),
    );
    const used = [...text.matchAll(/\]\[([^\]]+)\]/g)].map(([, name = ""]) => name);
    const lost = [...inline, ...defined.values()].filter((target) => !leadsSomewhere(path, target));
    return [...lost, ...used.filter((name) => !defined.has(name))].map((target) => `${path}: ${target}`);
  });
  expect(broken).toEqual([]);
});

function leadsSomewhere(from: string, target: string): boolean {
  if (/^(https?|mailto):/.test(target)) return URL.canParse(target);
  const [file = "", anchor] = target.split("#", 2);
  const path = file === "" ? from : join(dirname(from), file);
  if (!existsSync(path)) return false;
  return anchor === undefined || anchorsOf(read(path)).includes(anchor);
}

test("every file of this repository that a page names exists", () => {
  const named = pages.flatMap((path) =>
    [...read(path).matchAll(/(?<![\w./-])(?:src|scripts|tests|docs)\/[\w./-]+\.(?:ts|mjs|md|json|yaml)\b/g)].map(
      ([name]) => name,
    ),
  );
  expect([...new Set(named)].filter((name) => !existsSync(name))).toEqual([]);
});

/** All files and folders of the repository's own folders. */
const tree = ["src", "tests", "scripts", "docs"].flatMap((folder) => [
  `/${folder}`,
  ...readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => `/${folder}/${name}`),
]);

/** Names of files and folders in backticks. The map names them from the folder that its section is about. */
const namedInCode = (markdown: string) =>
  [...markdown.matchAll(/`([\w.*/-]+(?:\.(?:tsx?|mjs|json)|\/))`/g)].map(([, name = ""]) =>
    name.replace(/^\.?\/|\/$/g, ""),
  );

test.each(["src/README.md", "AGENTS.md", "CONTRIBUTING.md"])("every file and folder that %s names exists", (path) => {
  const made = ["dist", "dist/bundle", "release", "x.test.ts", "x.slow.test.ts", "NAME.slow.test.ts"];
  const gone = namedInCode(read(path)).filter((name) => {
    const end = new RegExp(`/${name.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`);
    return !made.includes(name) && !tree.some((entry) => end.test(entry));
  });
  expect([...new Set(gone)]).toEqual([]);
});

const blocks = pages.flatMap((path) =>
  blocksOf(read(path)).map((block) => ({ ...block, at: `${path}:${block.line}` })),
);
const those = (...languages: string[]) => blocks.filter(({ language }) => languages.includes(language));

test("every code block is of a kind that is checked", () => {
  const known = ["sh", "ts", "js", "console", "yaml", "json", "lua", "text"];
  expect(blocks.filter(({ language }) => !known.includes(language)).map(({ at }) => at)).toEqual([]);
});

test.each(those("json"))("$at is JSON, and a valid message if it has an action", ({ code }) => {
  const document = JSON.parse(code) as object;
  if ("action" in document) expect([isClientMessage(document), isClientMessage.errors]).toEqual([true, null]);
});

describe("YAML", () => {
  /** Keys in files of other programs: LibreChat, Continue, Prometheus. */
  const foreign = ["endpoints", "models", "scrape_configs"];
  const ours = Object.keys(configSchema().properties ?? {});

  test.each(those("yaml"))("$at is a valid session or configuration, or belongs to another program", ({ code }) => {
    const document = load(code) as ScriptObject & Record<string, unknown>;
    if (Array.isArray(document)) return; // steps of a GitHub job
    if ("steps" in document) expect(readScript(document, process.cwd()).steps.length).toBeGreaterThan(0);
    else if (Object.keys(document).some((key) => !foreign.includes(key))) {
      expect(Object.keys(document).filter((key) => !ours.includes(key))).toEqual([]);
      const variables = [...code.matchAll(/\$\{(\w+)\}/g)].map(([, name = ""]) => [name, "postgres://db.example/x"]);
      expect(errorsOf(() => loadText(code, { env: Object.fromEntries(variables) }))).toEqual([]);
    } else expect(loadAll(code)).toHaveLength(1);
  });
});

test("every assertion and exit code has its row, and every key of a step is described", () => {
  const sessions = read("docs/scripted-sessions.md");
  const rows = `${sessions}\n${read("docs/troubleshooting.md")}`.split("\n").filter((line) => line.startsWith("|"));
  const hasRow = (word: string) => rows.some((row) => (row.split(/(?<!\\)\|/)[1] ?? "").includes(word));
  const codes = Object.values(exitCodes).filter((code) => code !== exitCodes.terminated);
  const words = [...assertionTypes.map((type) => `\`${type}\``), ...codes.map((code) => ` ${code} `)];
  expect(words.filter((word) => !hasRow(word))).toEqual([]);
  const schema = JSON.parse(read("src/scripted/session.schema.json"));
  const keys = Object.keys(schema.definitions.step.properties);
  expect(keys.filter((key) => !new RegExp(`\`${key}[:\`]`).test(sessions))).toEqual([]);
});

test("every event and chunk is named", () => {
  const names = Object.keys(messageSchemas("#/")).flatMap((name) => /^host_chunk_(\w+)$/.exec(name)?.[1] ?? []);
  expect(names.length).toBeGreaterThan(10);
  const text = `${read("docs/turns.md")}${read("docs/json-lines.md")}`;
  expect(names.filter((name) => !new RegExp(`\\b${name}(_delta)?\\b`).test(text))).toEqual([]);
});

test("the package contains every page that its files refer to", () => {
  const { files } = JSON.parse(read("package.json")) as { files: string[] };
  expect(files).toEqual(expect.arrayContaining(["README.md", "docs", "llms.txt"]));
  expect(existsSync(resolve("llms.txt"))).toBe(true);
});
