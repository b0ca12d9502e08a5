import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "@jest/globals";

/** Files and folders that each folder of src/ may import, besides itself. The picture is in src/README.md. */
const allowed: Record<string, readonly string[]> = {
  core: [],
  config: ["llm/providers/presets.ts", "llm/providers/wire-choice.ts", "core"],
  outbound: ["core"],
  llm: ["outbound", "core"],
  mcp: ["outbound", "core"],
  history: ["core"],
  cassette: ["core"],
  demo: ["core"],
  telemetry: ["core"],
  doctor: ["llm", "mcp", "history", "config", "core"],
  orchestrator: ["llm", "core"],
  session: ["orchestrator", "history", "core"],
  frontends: ["session", "core"],
  "script-host": [
    "app.ts",
    "user-state.ts",
    "cassette",
    "frontends",
    "session",
    "mcp/manifest.ts",
    "mcp/tools.ts",
    "demo/servers.ts",
    "config",
    "core",
  ],
  commands: [
    "app.ts",
    "user-state.ts",
    "first-run.ts",
    "log-only.ts",
    "logging.ts",
    "stderr-log.ts",
    "script-host",
    "cassette",
    "frontends",
    "session",
    "doctor",
    "config",
    "llm/providers/presets.ts",
    "core",
  ],
};

/** Folders that import app.ts but are not imported by it. */
const buildsHosts = ["commands", "script-host"];

/** Files directly in src/, each with the modules that it may import. */
const roots: Record<string, readonly string[]> = {
  "main.ts": ["program.ts"],
  "program.ts": ["commands", "frontends", "core"],
  "claude-launcher.ts": ["main.ts", "commands", "frontends", "core"],
  "app.ts": [
    ...Object.keys(allowed).filter((folder) => !buildsHosts.includes(folder)),
    "first-run.ts",
    "log-only.ts",
    "logging.ts",
    "running-config.ts",
    "stderr-log.ts",
    "user-state.ts",
  ],
  "first-run.ts": ["llm", "demo", "core"],
  "log-only.ts": ["session", "history", "config", "stderr-log.ts", "core"],
  "index.ts": ["app.ts", "script-host", "orchestrator", "session", "frontends", "core"],
  "logging.ts": ["core"],
  "running-config.ts": ["config", "core"],
  "stderr-log.ts": ["logging.ts", "config", "core"],
  "user-state.ts": ["mcp", "config", "core"],
};

const src = join(process.cwd(), "src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));

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
      .filter(
        (target) =>
          folderOf(target) !== folderOf(file) && !rules?.some((rule) => rule === folderOf(target) || rule === target),
      )
      .map((target) => `${file} imports ${target}`);
  });
  expect(wrong).toEqual([]);
});

/** Packages that only these folders may load. Other code measures through `core/measurements.ts`. */
const keptTo: readonly [RegExp, readonly string[]][] = [
  [/^@opentelemetry\//, ["telemetry"]],
  [/^prom-client$/, ["telemetry"]],
  [/^pino$/, ["logging.ts"]],
];

test("OpenTelemetry, Prometheus and the logger are known in one place each", () => {
  const wrong = files.flatMap((file) => {
    const text = readFileSync(join(src, file), "utf8");
    const packages = [...text.matchAll(/(?:from|import|require|\))\s*\(?\s*"([^".][^"]*)"/g)].map(
      ([, name = ""]) => name,
    );
    return packages
      .filter((name) => keptTo.some(([pattern, folders]) => pattern.test(name) && !folders.includes(folderOf(file))))
      .map((name) => `${file} imports ${name}`);
  });
  expect(wrong).toEqual([]);
});

const runsInBrowsers = ["frontends/chunks.js", "core/inert.js"];

test("the page runs in a browser: of the host it imports types of the message protocol and the core, how events are told, and nothing of Node", () => {
  const page = "frontends/http/ui/";
  const wrong = files
    .filter((file) => file.startsWith(page))
    .flatMap((file) => {
      const text = readFileSync(join(src, file), "utf8");
      const statements = text.matchAll(/^(?:import|export)\s+(type\s)?[^;"]*?(?:from\s+)?"([^"]+)";/gm);
      return [...statements].flatMap(([, type, from = ""]) => {
        if (!from.startsWith(".")) return from.startsWith("node:") ? [`${file} imports ${from}`] : [];
        const target = join(dirname(file), from);
        if (
          target.startsWith(page) ||
          runsInBrowsers.includes(target) ||
          (type && /^core\/|^frontends\/[a-z-]+\.js$/.test(target))
        )
          return [];
        return [`${file} imports ${target}`];
      });
    });
  expect(wrong).toEqual([]);
});

test("how events are told runs in a browser too", () => {
  expect(importsOf("frontends/chunks.ts")).toEqual(["core/chat.ts"]);
  expect(importsOf("core/chat.ts")).toEqual([]);
  expect(importsOf("core/inert.ts")).toEqual([]);
});

describe("the rooms of src/llm", () => {
  const rooms = files.filter((file) => file.startsWith("llm/"));

  test("hold at most 20 files each", () => {
    const names = [...new Set(rooms.map((file) => dirname(file)))];
    const full = names.filter((name) => rooms.filter((file) => dirname(file) === name).length > 20);
    expect(full).toEqual([]);
  });

  test("have no circle of imports, not even of types", () => {
    const seen = new Map<string, "open" | "done">();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (seen.get(file) === "open") circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      if (seen.has(file)) return;
      seen.set(file, "open");
      for (const target of importsOf(file)) if (rooms.includes(target)) visit(target, [...path, file]);
      seen.set(file, "done");
    };
    for (const file of rooms) visit(file, []);
    expect(circles).toEqual([]);
  });

  test("know nothing of each other's wires: what two share lies in wires/shared", () => {
    const wireIn = (file: string) => /^llm\/wires\/([a-z]+)\//.exec(file)?.[1];
    const wrong = rooms.flatMap((file) =>
      importsOf(file)
        .filter(
          (target) => !["shared", undefined, wireIn(file)].includes(wireIn(target)) && file !== "llm/wires/index.ts",
        )
        .map((target) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });
});

test("every folder and root file of src/ has its rule, and every rule its folder", () => {
  const found = new Set(files.map(folderOf));
  expect([...found].sort()).toEqual([...Object.keys(allowed), ...Object.keys(roots)].sort());
});

test("the check sees real imports", () => {
  expect(importsOf("session/session.ts")).toContain("core/chat.ts");
});
