/**
 * The command line as few files: `dist/main.js` and the chunks in `dist/cli/`, in place of a thousand modules that would have to be
 * found, read and linked at each start. What is imported on demand stays on demand. The library (`dist/index.js`) stays unbundled.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { _, Ajv } from "ajv";
import standalone from "ajv/dist/standalone/index.js";
import { rolldown } from "rolldown";
import { checkOptions } from "../dist/config/schema-check.js";

const dist = resolve("dist");
const chunks = "cli";
const entry = "program.js";

/** Native, optional, or needing what lies beside them in their own package. */
const external = [/^@photostructure\/sqlite/, /^@opentelemetry\//, /^@dbos-inc\//, /^pg(\/|$)/];

/** A module asks for files beside it by its address, which is not that of its chunk. */
const addresses = {
  name: "addresses",
  transform(code, id) {
    if (!id.startsWith(dist) || !code.includes("import.meta.url")) return null;
    const address = JSON.stringify(relative(join(dist, chunks), id));
    return { code: code.replaceAll("import.meta.url", `new URL(${address}, import.meta.url).href`), map: null };
  },
};

/** Compiling the schema takes ajv as long as a whole start may take, so it is done here. */
function schemaCheck() {
  const schema = JSON.parse(readFileSync(join(dist, "config/config.schema.json"), "utf8"));
  const ajv = new Ajv({ ...checkOptions, code: { source: true, esm: true, formats: _`schemaFormats` } });
  return `import { schemaFormats } from "./schema-formats.js";
${standalone(ajv, ajv.compile(schema))}
export const schemaCheck = () => (tree) => (validate(tree) ? [] : (validate.errors ?? []));`;
}

/**
 * What our one axios instance never comes to, because its adapter is ours (`llm/http.ts`): axios loads its own adapters, with a
 * table of all media types, all the same.
 */
const replaced = {
  "/axios/lib/adapters/adapters.js": "export default { adapters: {}, getAdapter: (adapter) => adapter };",
  "/axios/lib/platform/node/classes/FormData.js": "export default class FormData {}",
  "/dist/config/schema-check.js": schemaCheck(),
};

const replacements = {
  name: "replacements",
  load(id) {
    const end = Object.keys(replaced).find((each) => id.endsWith(each));
    if (end) return replaced[end];
    const map = `${id}.map`;
    return id.startsWith(dist) && existsSync(map)
      ? { code: readFileSync(id, "utf8"), map: readFileSync(map, "utf8") }
      : null;
  },
  transform(code, id) {
    if (!id.endsWith("/axios/lib/utils.js")) return null;
    // Node loads all of undici when the name is read.
    const before = "typeof G.FormData !== 'undefined' ? G.FormData : undefined";
    if (!code.includes(before)) throw new Error("axios asks for FormData in another way now");
    return { code: code.replace(before, "undefined"), map: null };
  },
};

/**
 * What is always loaded together is one chunk: a file more costs half a millisecond at each start. Of modules that several of these
 * reach, the first one has them.
 */
const together = {
  start: [entry],
  host: ["config/load.js", "config/watch.js", "app.js", "commands/reload.js", "frontends/oneshot.js"],
  request: ["llm/admission.js"],
  servers: ["mcp/legacy-peer.js"],
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
    // It waits for the command, whose chunks would wait for it.
    chunkOf.delete(join(dist, entry));
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
  input: join(dist, entry),
  optimization: { inlineConst: false }, // tests/nodes/newer-host.mjs changes one
  platform: "node",
  external,
  // Its other build loads files beside it in a way that no bundler sees.
  resolve: { alias: { "jsonc-parser": resolve("node_modules/jsonc-parser/lib/esm/main.js") } },
  checks: { ineffectiveDynamicImport: false }, // what is loaded on demand by one command is loaded at once by another
  plugins: [replacements, addresses, grouping],
});
const { output } = await bundle.write({
  dir: join(dist, chunks),
  format: "esm",
  sourcemap: true,
  entryFileNames: entry,
  chunkFileNames: "[name]-[hash].js",
  codeSplitting: { groups },
});
await bundle.close();

const beside = output.find(({ code = "" }) => /\brequire\(["']\.\.?\//.test(code));
if (beside) throw new Error(`${beside.fileName} would load a file that is not there`);

const main = join(dist, "main.js");
writeFileSync(main, readFileSync(main, "utf8").replace(`import("./${entry}")`, `import("./${chunks}/${entry}")`));

/** Folders of the packages whose code is in the chunks. */
const packages = new Set(
  output
    .flatMap(({ moduleIds = [] }) => moduleIds)
    .map((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0])
    .filter(Boolean),
);
const licences = [...packages].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const texts = readdirSync(folder).filter((file) => /^(licen[sc]e|notice|copying)/i.test(file));
  const words = texts.map((file) => readFileSync(join(folder, file), "utf8").trim());
  return [`${name} ${version} (${license})`, ...words].join("\n\n");
});
writeFileSync(join(dist, chunks, "THIRD-PARTY-LICENSES"), `${licences.join(`\n\n${"-".repeat(80)}\n\n`)}\n`);

/** What programs of others and of ours load by its own path. All else is in the chunks, and nowhere else. */
const loadable = [
  "index.js",
  "claude-launcher.js",
  "demo/mcp-server.js",
  "frontends/script/sandbox/worker.js",
  "scripts/conformance-client.js",
];

const library = await rolldown({
  input: loadable.map((file) => join(dist, file)),
  platform: "node",
  treeshake: false, // Node does not
  external: (id) => !/^[./]/.test(id) || id.endsWith("/main.js"),
});
const kept = new Set((await library.generate()).output.flatMap(({ moduleIds = [] }) => moduleIds));
await library.close();
const asTheyAre = ["cli/", "ui/", "file-view/", "scripts/", "main.js"];
for (const file of readdirSync(dist, { recursive: true })) {
  const isCode = file.endsWith(".js") && !asTheyAre.some((start) => file.startsWith(start));
  if (isCode && !kept.has(join(dist, file)))
    for (const each of [file, `${file}.map`]) rmSync(join(dist, each), { force: true });
}
