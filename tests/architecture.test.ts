import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "@jest/globals";

/** What each folder of src/ may import, besides itself. The picture is in src/README.md. */
const allowed: Record<string, readonly string[]> = {
  core: [],
  config: ["core"],
  llm: ["core"],
  mcp: ["core"],
  history: ["core"],
  demo: ["core"],
  orchestrator: ["llm", "core"],
  session: ["orchestrator", "history", "core"],
  frontends: ["session", "core"],
};

/** Files directly in src/ and what they may import. */
const roots: Record<string, readonly string[]> = {
  "main.ts": [
    "process.ts",
    "configuration.ts",
    "server-commands.ts",
    "approval-commands.ts",
    "conversation-commands.ts",
    "protocol-commands.ts",
    "claude-run.ts",
    "chat-host.ts",
    "app.ts",
    "frontends",
    "session",
    "config",
    "core",
  ],
  "server-commands.ts": ["process.ts", "configuration.ts", "app.ts", "frontends", "session"],
  "approval-commands.ts": ["process.ts", "app.ts", "frontends", "session", "core"],
  "conversation-commands.ts": ["process.ts", "configuration.ts", "app.ts", "frontends", "session", "core"],
  "chat-host.ts": ["app.ts", "frontends", "session", "config"],
  "protocol-commands.ts": ["process.ts", "configuration.ts", "frontends"],
  "claude-run.ts": ["process.ts", "configuration.ts", "frontends", "session", "core"],
  "claude-arguments.ts": ["core"],
  "claude-launcher.ts": ["claude-arguments.ts", "main.ts", "frontends", "core"],
  "process.ts": ["app.ts", "configuration.ts", "reload.ts", "logging.ts", "frontends", "config", "core"],
  "configuration.ts": ["config", "llm", "core"],
  "reload.ts": ["configuration.ts", "config", "core"],
  "app.ts": [...Object.keys(allowed), "logging.ts"],
  "index.ts": ["app.ts", "orchestrator", "session", "core"],
  "logging.ts": ["core"],
};

const src = join(process.cwd(), "src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), "utf8");
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)].map((match) => match[1] ?? "");
  return specifiers.map((specifier) => relative(src, join(src, dirname(file), specifier)).replace(/\.js$/, ".ts"));
}

const folderOf = (file: string) => file.split("/")[0] ?? file;

test("imports point one way", () => {
  const wrong = files.flatMap((file) => {
    const rules = file.includes("/") ? allowed[folderOf(file)] : roots[file];
    return importsOf(file)
      .filter((target) => folderOf(target) !== folderOf(file) && !rules?.includes(folderOf(target)))
      .map((target) => `${file} imports ${target}`);
  });
  expect(wrong).toEqual([]);
});

test("every folder and root file of src/ has its rule, and every rule its folder", () => {
  const found = new Set(files.map(folderOf));
  expect([...found].sort()).toEqual([...Object.keys(allowed), ...Object.keys(roots)].sort());
});

test("the check sees real imports", () => {
  expect(importsOf("session/session.ts")).toContain("core/chat.ts");
});
