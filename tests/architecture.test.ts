import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "@jest/globals";
import ts from "typescript";

/** Files and folders that each folder of src/ may import, besides itself. The picture is in src/README.md. */
const allowed: Record<string, readonly string[]> = {
  core: [],
  config: ["llm/providers/presets.ts", "llm/providers/wire-choice.ts", "core"],
  outbound: ["core"],
  llm: ["outbound", "core"],
  mcp: ["outbound", "core"],
  log: ["core"],
  demo: ["core"],
  telemetry: ["llm/providers/presets.ts", "core"],
  doctor: ["llm", "mcp", "log", "config", "core"],
  turn: ["llm", "core"],
  cluster: ["log", "core"],
  session: ["turn", "log", "core"],
  doors: ["session", "core"],
  web: ["doors", "core"],
  host: ["session", "cluster", "turn", "log", "mcp", "llm", "config", "telemetry", "demo", "core"],
  scripted: ["host", "doors", "session", "mcp", "demo/demo-servers.ts", "config", "core"],
  cli: [
    "host",
    "scripted",
    "doors",
    "session",
    "cluster/nodes.ts",
    "doctor",
    "config",
    "llm/providers/presets.ts",
    "core",
  ],
};

/** Files directly in src/, each with the modules that it may import. */
const roots: Record<string, readonly string[]> = {
  "main.ts": ["cli/program.ts"],
  "index.ts": ["host", "scripted", "turn", "session", "doors", "core"],
};

const src = join(process.cwd(), "src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), "utf8");
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)].map((match) => match[1] ?? "");
  return specifiers.map((specifier) => relative(src, join(src, dirname(file), specifier)).replace(/\.js$/, ".ts"));
}

/** The files that each file imports, types included. */
const graph = new Map(
  files.map((file) => [
    file,
    importsOf(file).flatMap((target) => [target, `${target}x`].find((each) => files.includes(each)) ?? []),
  ]),
);

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

test("src/ has no circle of imports, not even of types", () => {
  const seen = new Map<string, "open" | "done">();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (seen.get(file) === "open") circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
    if (seen.has(file)) return;
    seen.set(file, "open");
    for (const target of graph.get(file) ?? []) visit(target, [...path, file]);
    seen.set(file, "done");
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

/** Calls that take one argument per item, so that a spread of a long list overflows the stack. */
const takesEachItem = /^(push|unshift|max|min|fromCharCode|fromCodePoint)$/;

test("no list is spread into the arguments of push, Math.max and the like: core/lists/ has functions for that", () => {
  const spreads: string[] = [];
  for (const file of files) {
    const text = readFileSync(join(src, file), "utf8");
    if (!/\b(push|unshift|max|min|from\w+)\([^;]*\.\.\./.test(text)) continue;
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
        const isSpread = node.arguments.some(ts.isSpreadElement) && takesEachItem.test(node.expression.name.text);
        if (isSpread) spreads.push(`${file}: ${node.getText(source)}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  expect(spreads).toEqual([]);
});

/**
 * Inner rooms of a folder, each with the rooms and files beside it that it may import. `.` stands for the files at the top of the folder. If
 * they have no rule, they may import all rooms.
 */
const rooms: Record<string, Record<string, readonly string[]>> = {
  mcp: {
    shared: [],
    http: [],
    lists: ["shared"],
    auth: ["http", "shared"],
    protocol: ["lists", "http", "shared"],
    callbacks: ["protocol", "shared"],
    transports: ["protocol", "auth", "http", "shared"],
    server: ["transports", "callbacks", "protocol", "lists", "auth", "shared"],
    tools: ["server", "protocol", "lists", "shared"],
  },
  llm: {
    providers: [],
    wires: ["providers"],
    shared: ["wires", "providers"],
    limits: ["shared", "providers"],
    connection: ["wires"],
    call: ["limits", "connection", "shared", "wires", "providers"],
    answer: ["call", "connection", "shared", "wires"],
    request: ["answer", "call", "connection", "limits", "shared", "wires", "providers"],
  },
  doors: {
    shared: [],
    protocol: ["shared"],
    lines: ["protocol", "shared"],
    oneshot: ["protocol", "shared"],
    acp: ["lines", "protocol", "shared"],
    mcp: ["lines", "shared"],
    http: ["mcp", "protocol", "shared"],
    terminal: ["shared"],
  },
  "doors/http": {
    shared: [],
    admission: ["shared"],
    turns: ["clients.ts", "shared"],
    anthropic: ["turns", "clients.ts", "shared"],
    openai: ["turns", "clients.ts", "shared"],
    routes: ["turns", "admission", "shared"],
  },
  "doors/terminal": {
    completion: [],
    editor: ["completion"],
  },
  core: {
    ".": ["async"],
    async: ["lists"],
    files: ["."],
    lists: [],
    patterns: ["."],
    schemas: [".", "async"],
    secrets: ["."],
    source: ["text", "."],
    text: [],
  },
  cli: {
    shared: [],
    commands: ["shared"],
  },
  cluster: {
    ".": ["live"],
    live: [],
    dbos: ["."],
  },
  config: {
    schema: [],
    reading: ["schema"],
    edit: ["reading"],
    consent: ["reading", "schema"],
    import: ["edit", "reading"],
  },
  session: {
    ".": ["turns", "conversations", "shared"],
    shared: [],
    tools: ["shared"],
    conversations: ["shared"],
    turns: ["tools", "conversations", "shared"],
    export: ["shared"],
    commands: [".", "export", "conversations", "shared"],
  },
  log: {
    shared: [],
    folds: ["shared"],
    sql: ["shared"],
    sqlite: ["sql", "shared"],
    postgres: ["sql", "shared"],
  },
  "log/postgres": {
    connection: [],
  },
  web: {
    shared: [],
    markdown: ["shared"],
    api: ["shared"],
    attachments: ["api", "markdown", "shared"],
    chat: ["attachments", "api", "markdown", "shared"],
    composer: ["attachments", "chat", "api", "markdown", "shared"],
    trace: ["chat", "api", "markdown", "shared"],
    usage: ["markdown", "shared"],
    sidebar: ["api", "markdown", "shared"],
    palette: ["sidebar", "api", "shared"],
    servers: ["chat", "api", "markdown", "shared"],
    views: ["servers", "composer", "sidebar", "usage", "trace", "chat", "api", "markdown", "shared"],
    file: ["trace", "chat", "api", "markdown"],
  },
  scripted: {
    ".": ["steps", "sandbox", "shared"],
    shared: [],
    sandbox: [],
    cassette: [],
    assertions: ["sandbox", "shared"],
    reading: ["assertions", "shared"],
    model: ["shared"],
    steps: ["assertions", "model", "sandbox", "shared"],
    "from-log": ["model", "shared"],
    host: [".", "from-log", "steps", "reading", "model", "cassette", "shared"],
    many: [".", "steps", "sandbox", "shared"],
  },
  "scripted/cassette": {
    file: [],
    playing: ["file"],
  },
  "scripted/many": {
    ".": [],
    updates: ["."],
    summary: ["."],
    reporters: ["summary", "."],
  },
};

test.each(Object.entries(rooms))("the rooms of src/%s import each other one way", (folder, rules) => {
  const isInside = (file: string) => file.startsWith(`${folder}/`);
  const roomOf = (file: string) => {
    const [room = "", ...rest] = file.slice(folder.length + 1).split("/");
    return rest.length > 0 ? room : ".";
  };
  const wrong = files.filter(isInside).flatMap((file) => {
    const room = roomOf(file);
    const reachable = rules[room] ?? (room === "." ? Object.keys(rules) : []);
    return (graph.get(file) ?? [])
      .filter((target) => isInside(target) && roomOf(target) !== room)
      .filter((target) => !reachable.some((each) => each === roomOf(target) || target === `${folder}/${each}`))
      .map((target) => `${file} imports ${target}`);
  });
  expect(wrong).toEqual([]);
  const found = new Set(files.filter(isInside).map(roomOf));
  expect([...found].filter((room) => room !== ".").sort()).toEqual(
    Object.keys(rules)
      .filter((room) => room !== ".")
      .sort(),
  );
});

/** Packages that only these folders may load. Other code measures through `core/measurements.ts`. */
const keptTo: readonly [RegExp, readonly string[]][] = [
  [/^@opentelemetry\//, ["telemetry"]],
  [/^prom-client$/, ["telemetry"]],
  [/^pino$/, ["host"]],
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

const runsInBrowsers = [
  "doors/protocol/chunks.js",
  "core/text/inert.js",
  "core/text/durations.js",
  "core/errors.js",
  "core/json.js",
  "core/lists/long-lists.js",
  "core/text/readable-markdown.js",
  "doors/shared/edit-diff.js",
  "doors/shared/limit-text.js",
  "doors/shared/sent-part.js",
  "core/schemas/form-choices.js",
];

test("the page runs in a browser: of the host it imports types of the message protocol and the core, how events are told, and nothing of Node", () => {
  const page = "web/";
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
          (type && /^core\/|^doors\/(protocol|shared)\/[a-z-]+\.js$/.test(target))
        )
          return [];
        return [`${file} imports ${target}`];
      });
    });
  expect(wrong).toEqual([]);
});

test("how events are told runs in a browser too", () => {
  expect(importsOf("doors/protocol/chunks.ts")).toEqual(["core/events.ts", "core/messages.ts", "core/token-usage.ts"]);
  expect(importsOf("core/token-usage.ts")).toEqual(["core/messages.ts"]);
  expect(importsOf("core/messages.ts")).toEqual([]);
  expect(importsOf("core/text/inert.ts")).toEqual([]);
  expect(importsOf("core/text/durations.ts")).toEqual([]);
  expect(importsOf("core/errors.ts")).toEqual(["core/events.ts", "core/messages.ts"]);
  expect(importsOf("core/json.ts")).toEqual([]);
  expect(importsOf("doors/shared/limit-text.ts")).toEqual(["core/events.ts", "core/text/durations.ts"]);
  expect(importsOf("doors/shared/sent-part.ts")).toEqual([]);
  expect(importsOf("core/schemas/form-choices.ts")).toEqual(["core/json.ts"]);
});

test("the wires of src/llm know nothing of each other: what two share lies in wires/shared", () => {
  const wireIn = (file: string) => /^llm\/wires\/([a-z]+)\//.exec(file)?.[1];
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter(
        (target) => !["shared", undefined, wireIn(file)].includes(wireIn(target)) && file !== "llm/wires/all-wires.ts",
      )
      .map((target) => `${file} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test("a room holds at most 20 files", () => {
  const names = [...new Set(files.map((file) => dirname(file)))];
  const full = names.filter((name) => files.filter((file) => dirname(file) === name).length > 20);
  expect(full).toEqual([]);
});

test("every folder and root file of src/ has its rule, and every rule its folder", () => {
  const found = new Set(files.map(folderOf));
  expect([...found].sort()).toEqual([...Object.keys(allowed), ...Object.keys(roots)].sort());
});

test("the check sees real imports", () => {
  expect(importsOf("session/session.ts")).toContain("core/events.ts");
});
