/** Plugins that change the code on its way into the bundle. */
import { existsSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { _, Ajv } from "ajv";
import standalone from "ajv/dist/standalone/index.js";
import { checkOptions } from "../dist/config/schema/schema-check.js";

export const dist = resolve("dist");
export const chunks = "bundle";

/**
 * Replaces `import.meta.url` with the address that the module had outside the bundle, so that it still finds the files beside it.
 * A package that a module requires with it becomes a file beside the chunk.
 */
const addresses = {
  name: "addresses",
  transform(code, id) {
    if (!id.startsWith(dist) || !code.includes("import.meta.url")) return null;
    const address = `new URL(${JSON.stringify(relative(join(dist, chunks), id))}, import.meta.url).href`;
    const there = (_, name) => (name ? `import.meta.url)("./${name}.cjs")` : address);
    return { code: code.replaceAll(/import\.meta\.url(?:\)\("([a-z]+)"\))?/g, there), map: null };
  },
};

/** The SQLite driver for Node versions without a built-in one. It is a file of its own, which other versions do not load. */
export const sqlite = { name: "@photostructure/sqlite", file: "sqlite.js" };
const driver = {
  name: "driver",
  resolveId: (source) => (source === sqlite.name ? { id: `./${sqlite.file}`, external: true } : null),
};

/** Returns code that checks the configuration. ajv compiles the schema here, because that takes as long as a whole start may take. */
function schemaCheck() {
  const schema = JSON.parse(readFileSync(join(dist, "config/config.schema.json"), "utf8"));
  const ajv = new Ajv({ ...checkOptions, code: { source: true, esm: true, formats: _`schemaFormats` } });
  return `import { schemaFormats } from "../../core/source/schema-messages.js";
${standalone(ajv, ajv.compile(schema))}
export const schemaCheck = () => (tree) => (validate(tree) ? [] : (validate.errors ?? []));`;
}

/** A validator that only throws. The MCP clients of both eras would load ajv for checks that the host does itself. */
const noValidator = `{ getValidator() { throw new Error("results are checked by the host"); } }`;
const withoutValidator = {
  "/sdk/dist/esm/validation/ajv-provider.js": `export class AjvJsonSchemaValidator ${noValidator}`,
  "/client/dist/shimsNode.mjs": `export const CORS_IS_POSSIBLE = false;\nexport class DefaultJsonSchemaValidator ${noValidator}`,
};

/**
 * Modules with their replacements. axios loads its own adapters, with a table of all media types, although our axios instance has its own
 * adapter (`llm/request/http.ts`).
 */
const replaced = {
  "/axios/lib/adapters/adapters.js": "export default { adapters: {}, getAdapter: (adapter) => adapter };",
  "/axios/lib/platform/node/classes/FormData.js": "export default class FormData {}",
  "/dist/config/schema/schema-check.js": schemaCheck(),
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
    // Node loads all of undici as soon as `FormData` is read.
    const before = "typeof G.FormData !== 'undefined' ? G.FormData : undefined";
    if (!code.includes(before)) throw new Error("axios asks for FormData in another way now");
    return { code: code.replace(before, "undefined"), map: null };
  },
};

/**
 * Escapes characters beyond Latin-1. V8 keeps every source in memory, and one such character makes it use two bytes for each: 2.4 MB
 * instead of 1.2 MB for the largest chunk.
 */
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

export const shapes = [driver, replacements, addresses, inLatin1];
