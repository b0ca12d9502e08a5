import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { Ajv } from "ajv";
import { configSchema, type SchemaNode, schemaText } from "../../src/config/schema/config-schema.js";
import { isPlainObject, type JsonObject } from "../../src/core/json.js";
import { loadText } from "./folder.js";

/** Returns every key of the schema by its path; `*` is a name that the user chooses. */
function everyKey(node: SchemaNode, path = ""): [string, SchemaNode][] {
  const named = typeof node.additionalProperties === "object" ? { "*": node.additionalProperties } : {};
  return Object.entries({ ...node.properties, ...named }).flatMap(([key, child]) => {
    const at = path ? `${path}.${key}` : key;
    return [[at, child] as [string, SchemaNode], ...everyKey(child, at)];
  });
}

function valueAt(tree: JsonObject, path: string): unknown {
  return path.split(".").reduce<unknown>((node, key) => (isPlainObject(node) ? node[key] : undefined), tree);
}

describe("the schema", () => {
  test("is valid draft-07, which editors understand", () => {
    const schema = JSON.parse(schemaText());
    expect(schema.$schema).toBe("http://json-schema.org/draft-07/schema#");
    expect(new Ajv({ strict: false }).validateSchema(schema)).toBe(true);
  });

  test.each(everyKey(configSchema()).filter(([path]) => !/(env|headers)\.\*$/.test(path)))(
    "describes %s with a type and a sentence, and has fixed keys",
    (_, node) => {
      expect(node.description).toMatch(/^[A-Z].*\.$/);
      expect(node.type).toBeDefined();
      if (node.properties) expect(node.additionalProperties).toBe(false);
    },
  );

  test("gives an empty file exactly its defaults", () => {
    const { tree } = loadText("", { env: { XDG_DATA_HOME: "/data" } });
    const defaults = everyKey(configSchema()).filter(([path, node]) => !path.includes("*") && "default" in node);
    expect(defaults.length).toBeGreaterThan(25);
    for (const [path, node] of defaults) {
      // A key with two forms has its short form as default.
      if (node.type === "object" || path === "chat.service.tool_notifications.enabled") continue;
      const value = path === "chat.storage.path" ? "/data/mcp-platform/conversations.db" : node.default;
      expect([path, valueAt(tree, path)]).toEqual([path, value]);
    }
  });

  test("holds the fixed defaults of llm.http, in seconds", () => {
    expect(valueAt(loadText("").tree, "llm.http")).toMatchObject({
      timeout: 30,
      max_retries: 3,
      initial_retry_delay: 1,
      max_retry_delay: 16,
      retry_multiplier: 2,
      retry_jitter: 0.1,
      max_keepalive_connections: 20,
      max_connections: 100,
      keepalive_expiry: 30,
    });
  });

  test("is the file that the modeline of config.yaml names", () => {
    const [modeline] = readFileSync("config.yaml", "utf8").split("\n");
    const path = modeline?.replace("# yaml-language-server: $schema=", "") ?? "";
    expect(readFileSync(path, "utf8")).toBe(schemaText());
  });
});
