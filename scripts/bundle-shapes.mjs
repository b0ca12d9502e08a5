/** What the bundle has in another shape than it is written in. */
import { existsSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { _, Ajv } from "ajv";
import standalone from "ajv/dist/standalone/index.js";
import { checkOptions } from "../dist/config/schema-check.js";

export const dist = resolve("dist");
export const chunks = "bundle";

/** A module asks for files beside it by its address, which is not that of its chunk. A package that it requires is a file beside the chunk. */
const addresses = {
  name: "addresses",
  transform(code, id) {
    if (!id.startsWith(dist) || !code.includes("import.meta.url")) return null;
    const address = `new URL(${JSON.stringify(relative(join(dist, chunks), id))}, import.meta.url).href`;
    const there = (_, name) => (name ? `import.meta.url)("./${name}.cjs")` : address);
    return { code: code.replaceAll(/import\.meta\.url(?:\)\("([a-z]+)"\))?/g, there), map: null };
  },
};

/** The launcher goes on with the command line's own first step. */
const firstStep = {
  name: "first-step",
  resolveId(source, importer) {
    const isFirstStep = source === "./main.js" && importer === join(dist, "claude-launcher.js");
    return isFirstStep ? { id: `../main.js`, external: true } : null;
  },
};

/** The driver for a Node that has no SQLite is a file of its own, that other Nodes do not read. */
export const sqlite = { name: "@photostructure/sqlite", file: "sqlite.js" };
const driver = {
  name: "driver",
  resolveId: (source) => (source === sqlite.name ? { id: `./${sqlite.file}`, external: true } : null),
};

/** Compiling the schema takes ajv as long as a whole start may take, so it is done here. */
function schemaCheck() {
  const schema = JSON.parse(readFileSync(join(dist, "config/config.schema.json"), "utf8"));
  const ajv = new Ajv({ ...checkOptions, code: { source: true, esm: true, formats: _`schemaFormats` } });
  return `import { schemaFormats } from "./schema-formats.js";
${standalone(ajv, ajv.compile(schema))}
export const schemaCheck = () => (tree) => (validate(tree) ? [] : (validate.errors ?? []));`;
}

/** Clients of both eras make themselves an ajv, for calls that we do not make by them: we check results ourselves. */
const noValidator = `{ getValidator() { throw new Error("results are checked by the host"); } }`;
const withoutValidator = {
  "/sdk/dist/esm/validation/ajv-provider.js": `export class AjvJsonSchemaValidator ${noValidator}`,
  "/client/dist/shimsNode.mjs": `export const CORS_IS_POSSIBLE = false;\nexport class DefaultJsonSchemaValidator ${noValidator}`,
};

/**
 * What our one axios instance never comes to, because its adapter is ours (`llm/request/http.ts`): axios loads its own adapters, with a
 * table of all media types, all the same.
 */
const replaced = {
  "/axios/lib/adapters/adapters.js": "export default { adapters: {}, getAdapter: (adapter) => adapter };",
  "/axios/lib/platform/node/classes/FormData.js": "export default class FormData {}",
  "/dist/config/schema-check.js": schemaCheck(),
  ...withoutValidator,
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

/** V8 keeps every source, in two bytes a character if there is one beyond Latin-1: 2.4 MB in place of 1.2 for the largest chunk. */
const inLatin1 = {
  name: "in-latin1",
  generateBundle(_, bundle) {
    const written = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== "chunk") continue;
      if (/\\[^\0-\xff]/.test(chunk.code)) throw new Error(`${chunk.fileName}: a character beyond Latin-1 is escaped`);
      chunk.code = chunk.code.replaceAll(/[^\0-\xff]/g, written);
    }
  },
};

export const shapes = [firstStep, driver, replacements, addresses, inLatin1];
