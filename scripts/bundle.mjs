/**
 * Bundles the command line and the library into a few files: `dist/main.js`, `dist/index.js` and the chunks in `dist/bundle/`. They replace
 * a thousand modules that Node would have to find, read and link at each start. Imports on demand are still loaded on demand.
 */
import { cpSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { build, rolldown } from "rolldown";
import { chunks, dist, shapes, sqlite } from "./bundle-shapes.mjs";
import { modulesFile } from "./listed-modules.mjs";
import { foldersOf, requireHashes, writeThirdParty } from "./third-party.mjs";

const program = "cli/program.js";
/** Files that are loaded by their own path; each only loads its chunk. The other files in `dist` are for tests and measurements. */
const entries = {
  index: "index.js",
  "demo-server": "demo/mcp-server.js",
  "sandbox-worker": "scripted/sandbox/worker.js",
  "log-reader": "log/sqlite/reader-worker.js",
  "schema-worker": "core/schemas/schema-worker.js",
  "match-worker": "session/tools/match-worker.js",
};

/** Packages that stay outside the bundle: they are optional, or need files of their own package. */
const apart = [/^@jitl\/quickjs-wasmfile/, /^@opentelemetry\//, /^@dbos-inc\//, /^pg-native$/];
/** True for packages outside the bundle. The Prometheus client's imports of OpenTelemetry are bundled, because it needs little of it. */
const external = (id, importer) => apart.some((name) => name.test(id)) && !importer?.includes("/prom-client/");

/** Packages that rarely called functions load synchronously (`require`). Each becomes a file of its own. */
const required = ["pino", "yaml"];

/**
 * Modules that are always loaded together, by chunk: each further file costs half a millisecond at each start. A module that several
 * chunks import goes into the first of them.
 */
const together = {
  start: [program],
  host: [
    "config/reading/load.js",
    "config/watch.js",
    "host/app.js",
    "cli/shared/reload.js",
    "doors/oneshot/oneshot.js",
  ],
  request: ["llm/request/attempts.js"],
  servers: ["mcp/protocol/legacy-session.js"],
};

const chunkOf = new Map();

function put(id, chunk, graph) {
  if (chunkOf.has(id)) return;
  chunkOf.set(id, chunk);
  for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) put(imported, chunk, graph);
}

const grouping = {
  name: "grouping",
  buildEnd() {
    for (const [chunk, roots] of Object.entries(together)) for (const root of roots) put(join(dist, root), chunk, this);
    // A chunk with the program would deadlock: the program awaits the command, whose chunks would await the program.
    chunkOf.delete(join(dist, program));
  },
};

const names = Object.keys(together);
const groups = names.map((name, at) => ({
  name,
  test: (id) => chunkOf.get(id) === name,
  priority: names.length - at,
}));

rmSync(join(dist, chunks), { recursive: true, force: true });
const bundle = await rolldown({
  input: Object.fromEntries(
    [["program", program], ...Object.entries(entries)].map(([name, file]) => [name, join(dist, file)]),
  ),
  optimization: { inlineConst: false }, // tests/nodes/newer-host.mjs changes a constant in the bundle
  platform: "node",
  external,
  // The package's other build loads files beside it in a way that no bundler detects.
  resolve: { alias: { "jsonc-parser": resolve("node_modules/jsonc-parser/lib/esm/main.js") } },
  checks: { ineffectiveDynamicImport: false }, // a module may be loaded on demand by one command and at once by another
  plugins: [...shapes, grouping],
});
const { output: chunked } = await bundle.write({
  dir: join(dist, chunks),
  format: "esm",
  sourcemap: true,
  comments: false, // V8 would keep them in memory
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
  codeSplitting: { groups },
});
await bundle.close();
const missing = names.find((name) => !chunked.some((chunk) => chunk.name === name));
if (missing) throw new Error(`nothing is left for the chunk ${missing}: another chunk has its modules`);

/** Bundles a package into one file. */
const inOneFile = (input, file, format) =>
  build({ input, platform: "node", output: { file: join(dist, chunks, file), format, comments: false } });
const whole = await Promise.all([
  ...required.map((name) => inOneFile(name, `${name}.cjs`, "cjs")),
  inOneFile(sqlite.name, sqlite.file, "esm"),
]);
/**
 * Folder of the SQLite driver. Only its binaries are copied, into the folder where the driver looks for them: its package also has 11 MB of
 * sources.
 */
const driver = dirname(createRequire(import.meta.url).resolve(`${sqlite.name}/package.json`));
rmSync(join(dist, "prebuilds"), { recursive: true, force: true });
requireHashes(join(driver, "prebuilds"), "scripts/sqlite-prebuilds.sha256");
for (const file of readdirSync(join(driver, "prebuilds"), { recursive: true, withFileTypes: true }))
  if (file.isFile())
    linkOrCopy(join(file.parentPath, file.name), join(dist, relative(driver, file.parentPath), file.name));

/**
 * Makes the same file available under two names. Tests load the package's binary in their thread and this one in the thread of the log's
 * reader. Two files would be two copies of SQLite in one process, and each would drop the other's locks when it closes.
 */
function linkOrCopy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to); // hard links do not work between file systems
  }
}
const output = [...chunked, ...whole.flatMap((each) => each.output)];

const beside = output.find(({ code = "" }) => /\brequire\(["']\.\.?\//.test(code));
if (beside) throw new Error(`${beside.fileName} would load a file that is not there`);

const main = join(dist, "main.js");
writeFileSync(main, readFileSync(main, "utf8").replace(`import("./${program}")`, `import("./${chunks}/program.js")`));

/** Modules in the page and in the trace view, which have been built before. */
const pages = ["ui", "file-view"].flatMap((folder) => {
  const list = join(dist, folder, modulesFile);
  const ids = JSON.parse(readFileSync(list, "utf8"));
  rmSync(list);
  return ids;
});
writeThirdParty(foldersOf([...output.flatMap(({ moduleIds = [] }) => moduleIds), ...pages]), dist);

for (const [name, file] of Object.entries(entries)) {
  const path = join(dist, file);
  const [shebang = ""] = readFileSync(path, "utf8").match(/^#!.*\n/) ?? [];
  const chunk = JSON.stringify(`${relative(dirname(path), dist) || "."}/${chunks}/${name}.js`);
  writeFileSync(path, `${shebang}${name === "index" ? "export * from" : "import"} ${chunk};\n`);
  rmSync(`${path}.map`, { force: true });
}

/** Declaration files that the library's own declarations import. All others are removed. */
const declared = new Set();
function declare(file) {
  if (declared.has(file)) return;
  declared.add(file);
  for (const [, name] of readFileSync(file, "utf8").matchAll(/(?:from|import\() ?"(\.[^"]+)\.js"/g)) {
    declare(join(dirname(file), `${name}.d.ts`));
  }
}
declare(join(dist, "index.d.ts"));
for (const file of readdirSync(dist, { recursive: true })) {
  if (file.endsWith(".d.ts") && !declared.has(join(dist, file))) rmSync(join(dist, file));
}
