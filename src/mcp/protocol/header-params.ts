/**
 * Tool arguments that a server of protocol 2026-07-28 also wants as HTTP headers. The tool's inputSchema declares them with `x-mcp-header`
 * (SEP-2243).
 */

import { isPlainObject } from "../../core/json.js";
import type { JsonSchema } from "../../core/messages.js";

interface HeaderParam {
  header: string;
  path: string[];
}

/**
 * Schema keywords whose subschemas do not describe a plain property. A header cannot be declared in such a subschema, because the subschema
 * has no single value that the header could carry.
 */
const elsewhere =
  /^(items|prefixItems|contains|additionalProperties|unevaluatedProperties|unevaluatedItems|propertyNames|patternProperties|dependentSchemas|oneOf|anyOf|allOf|not|if|then|else|\$defs|definitions)$/;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Returns the reason why the tool must not be offered over HTTP. Returns undefined if its header declarations are valid. */
export function objectionTo(inputSchema: JsonSchema): string | undefined {
  try {
    headerParams(inputSchema);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const known = new WeakMap<JsonSchema, HeaderParam[]>();

function knownParams(inputSchema: JsonSchema): HeaderParam[] {
  const params = known.get(inputSchema) ?? (objectionTo(inputSchema) ? [] : headerParams(inputSchema));
  known.set(inputSchema, params);
  return params;
}

/**
 * Returns the `Mcp-Param-…` headers of one call. Texts, booleans and numbers get a header. An integer beyond 2^53 gets none, because its
 * digits are not exact.
 */
export function headersFor(inputSchema: JsonSchema, args: unknown): Record<string, string> {
  const found = knownParams(inputSchema);
  return Object.fromEntries(
    found.flatMap(({ header, path }) => {
      const value = path.reduce<unknown>((node, key) => (isPlainObject(node) ? node[key] : undefined), args);
      const text = plainText(value);
      return text === undefined ? [] : [[`Mcp-Param-${header}`, encoded(text)]];
    }),
  );
}

/** Returns the header declarations in a schema. Throws if one of them is invalid. */
function headerParams(root: JsonSchema): HeaderParam[] {
  const params = new Map<string, HeaderParam>();
  const visit = (node: unknown, path: string[], isProperty: boolean): void => {
    if (Array.isArray(node)) for (const item of node) visit(item, path, false);
    if (!isPlainObject(node)) return;
    if ("x-mcp-header" in node) {
      const header = node["x-mcp-header"];
      const name = `x-mcp-header of ${path.join(".") || "the schema itself"}`;
      if (!isProperty || path.length === 0) throw new Error(`${name} is not on a plain property`);
      if (typeof header !== "string" || !token.test(header)) throw new Error(`${name} is not a header name`);
      if (!["string", "integer", "boolean"].includes(String(node.type)))
        throw new Error(`${name} is on a ${node.type}`);
      if (params.has(header.toLowerCase())) throw new Error(`${name} is declared twice`);
      params.set(header.toLowerCase(), { header, path });
    }
    if (isPlainObject(node.properties)) {
      for (const [key, child] of Object.entries(node.properties)) visit(child, [...path, key], isProperty);
    }
    for (const [key, child] of Object.entries(node)) {
      if (!elsewhere.test(key)) continue;
      const isMap = /^(patternProperties|dependentSchemas|\$defs|definitions)$/.test(key) && isPlainObject(child);
      visit(isMap ? Object.values(child) : child, [...path, key], false);
    }
  };
  visit(root, [], true);
  return [...params.values()];
}

function plainText(value: unknown): string | undefined {
  if (typeof value === "string" || typeof value === "boolean") return String(value);
  const isExact =
    typeof value === "number" && Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  return isExact ? String(value) : undefined;
}

/** Returns the text as the value of a header. Encodes the text in base64 if it has characters that a header cannot carry. */
export function encoded(text: string): string {
  const isSafe = /^[\t\x20-\x7e]+$/.test(text) && text === text.trim() && !/^=\?base64\?.*\?=$/.test(text);
  return isSafe ? text : `=?base64?${Buffer.from(text).toString("base64")}?=`;
}
