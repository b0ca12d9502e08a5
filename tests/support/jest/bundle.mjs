/**
 * Compiles the tests before jest starts (its `globalSetup`). Each test file becomes one file. The modules that test files share (the host
 * in `src/`, its packages, tests/support) become four chunks, which a worker compiles once for all its test files: see environment.mjs.
 * Without this, every test file would find, read and compile up to a thousand modules again.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";
import { hideUser } from "./own-machine.mjs";

/** Packages that load files from their own folder, or that few tests need and that take long to read. */
const external = [
  /^@jest\/globals$/,
  /^@dbos-inc\//,
  /^@jitl\//,
  /^@opentelemetry\//,
  /^@photostructure\//,
  /^libxml2-wasm$/,
  /^pg-native$/,
  /^playwright-core$/,
  /^typescript$/,
];

const groups = [
  { name: "packages", test: /\/node_modules\//, priority: 3 },
  { name: "host", test: /\/src\//, priority: 2 },
  { name: "schemas", test: /\/tests\/support\/schemas\//, priority: 2 },
  { name: "support", test: /\/(tests|scripts)\/.*(?<!\.test)\.(ts|mjs)$/, priority: 1 },
];

/** A module that asks for its own address gets the address of its source, next to which it finds its files. */
const sourceAddresses = {
  name: "source-addresses",
  transform(code, id) {
    if (!code.includes("import.meta.url")) return null;
    return { code: code.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href)), map: null };
  },
};

/** Test files get the chunks from the worker, not from jest's own `require`; jest offers no `import()` to a chunk. */
const sharedChunks = {
  name: "shared-chunks",
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== "chunk") continue;
      if (!chunk.isEntry) {
        chunk.code = chunk.code.replaceAll(/\bimport\(("[^"]+")\)/g, "Promise.resolve().then(() => require($1))");
      }
      chunk.code = chunk.code.replaceAll(/\brequire\("\.[^"]*\/([^"/]+\.cjs)"\)/g, 'sharedChunk("$1", require)');
    }
  },
};

export default async function bundleTests() {
  hideUser();
  const files = readdirSync("tests", { recursive: true }).filter(
    (file) => file.endsWith(".test.ts") && !file.includes("node_modules"),
  );
  const bundle = await rolldown({
    input: Object.fromEntries(files.map((file) => [file, join("tests", file)])),
    platform: "node",
    external,
    // The package's other build loads files in a way that no bundler sees.
    resolve: { alias: { "jsonc-parser": resolve("node_modules/jsonc-parser/lib/esm/main.js") } },
    checks: { ineffectiveDynamicImport: false },
    transform: { target: "es2022" }, // Node 20 has no `using`
    plugins: [sourceAddresses, sharedChunks],
  });
  const folder = mkdtempSync(join(tmpdir(), "compiled-tests-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  delete process.env.NODE_EXTRA_CA_CERTS; // a file of many certificates costs each child 85 ms, and tests talk to this machine only
  process.env.COMPILED_TESTS = folder; // compiled.cjs and environment.mjs read this in the workers
  await bundle.write({
    dir: folder,
    format: "cjs",
    sourcemap: true,
    strictExecutionOrder: true, // a test runs only those modules of a chunk that it imports
    entryFileNames: "[name].cjs",
    chunkFileNames: "[name].cjs",
    codeSplitting: { groups },
  });
  await bundle.close();
}
