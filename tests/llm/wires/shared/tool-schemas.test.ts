import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { fullSchema, plainSchema } from "../../../../src/llm/wires/shared/tool-schemas.js";
import { processorMs } from "../../../support/processor-time.js";
import { runs } from "../../../support/runs.js";

/** Returns the schema of one property in the plain subset of JSON Schema. */
function projected(schema: unknown, rest: object = {}): unknown {
  const { properties } = plainSchema({ type: "object", properties: { x: schema }, ...rest });
  return (properties as { x?: unknown } | undefined)?.x;
}

describe("the plain subset of JSON Schema", () => {
  test.each<[string, unknown, unknown]>([
    ["a type", { type: "integer", minimum: 1, format: "int32", default: 2 }, { type: "integer" }],
    ["a description", { type: "string", description: "why", examples: ["a"] }, { type: "string", description: "why" }],
    ["nullable", { type: ["string", "null"] }, { type: "string", nullable: true }],
    ["nullable, as OpenAPI has it", { type: "string", nullable: true }, { type: "string", nullable: true }],
    ["several types", { type: ["string", "integer"] }, { anyOf: [{ type: "string" }, { type: "integer" }] }],
    [
      "several types or null, described",
      { type: ["string", "integer", "null"], description: "why" },
      {
        anyOf: [
          { type: "string", description: "why", nullable: true },
          { type: "integer", nullable: true },
        ],
      },
    ],
    ["anyOf with null", { anyOf: [{ type: "string" }, { type: "null" }] }, { type: "string", nullable: true }],
    ["oneOf", { oneOf: [{ type: "string" }, { type: "number" }] }, { anyOf: [{ type: "string" }, { type: "number" }] }],
    [
      "choices within choices",
      { anyOf: [{ oneOf: [{ type: "string" }, { type: "number" }] }, { type: "boolean" }] },
      { anyOf: [{ type: "string" }, { type: "number" }, { type: "boolean" }] },
    ],
    ["a type beside its choices", { type: "string", anyOf: [{ format: "date" }, { pattern: "^x" }] }, undefined],
    ["anything at all", true, {}],
    ["anything described", { description: "any value" }, { description: "any value" }],
    ["a choice of anything", { anyOf: [{ type: "string" }, {}] }, {}],
    ["an array without items", { type: "array" }, { type: "array", items: { type: "string" } }],
    ["an array of anything", { type: "array", items: true }, { type: "array", items: {} }],
    [
      "a tuple of draft 4",
      { type: "array", items: [{ type: "string" }, { type: "number" }] },
      { type: "array", items: { anyOf: [{ type: "string" }, { type: "number" }] } },
    ],
    ["items without a type", { items: { type: "number" } }, { type: "array", items: { type: "number" } }],
    [
      "properties without a type",
      { properties: { a: { type: "string" } }, required: ["a", "b"] },
      { type: "object", properties: { a: { type: "string" } }, required: ["a"] },
    ],
    ["properties of what is no object", { type: "string", properties: { a: {} }, required: ["a"] }, { type: "string" }],
    ["an object without properties", { type: "object", additionalProperties: true }, { type: "object" }],
    ["a property that cannot be", { type: "object", properties: { a: false } }, { type: "object" }],
    ["const", { const: "a" }, { type: "string", enum: ["a"] }],
    ["enum without a type", { enum: ["a", "b"] }, { type: "string", enum: ["a", "b"] }],
    ["enum with null", { enum: ["a", null] }, { type: "string", enum: ["a"], nullable: true }],
    ["enum of numbers", { type: "integer", enum: [1, 2] }, { type: "integer", description: "One of 1,2" }],
    [
      "enum with an empty text",
      { enum: ["", "a"], description: "d" },
      { type: "string", description: 'd. One of "","a"' },
    ],
    [
      "allOf",
      {
        allOf: [
          { type: "object", properties: { a: { type: "string" } }, required: ["a"] },
          { properties: { b: { type: "number" } } },
        ],
        description: "both",
      },
      {
        type: "object",
        description: "both",
        properties: { a: { type: "string" }, b: { type: "number" } },
        required: ["a"],
      },
    ],
    ["allOf of one", { allOf: [{ type: "string", format: "uri" }] }, { type: "string" }],
    ["a reference that leads nowhere", { $ref: "#/$defs/missing" }, {}],
    ["a reference into the world", { $ref: "https://example.org/schema.json" }, {}],
    ["a type that is none", { type: "date" }, {}],
    ["no schema", "string", {}],
  ])("%s", (_name, schema, expected) => {
    expect(projected(schema)).toEqual(expected ?? expect.anything());
  });

  test("keeps a type beside its choices for all of them", () => {
    const schema = { type: "string", anyOf: [{ format: "date" }, { pattern: "^x" }] };
    expect(JSON.stringify(projected(schema))).toMatch(/^\{"anyOf":\[\{"type":"string"\},\{"type":"string"\}\]\}$/);
  });

  test("replaces references, with the fields beside them", () => {
    const Defs = { "a/b": { type: "object", properties: { c: { $ref: "#/definitions/text" } } } };
    const definitions = { text: { type: "string", description: "text" } };
    expect(projected({ $ref: "#/$defs/a~1b", description: "mine" }, { $defs: Defs, definitions })).toEqual({
      type: "object",
      description: "mine",
      properties: { c: { type: "string", description: "text" } },
    });
  });

  test("ends a schema that contains itself after one round", () => {
    const node = { type: "object", properties: { name: { type: "string" }, next: { $ref: "#/$defs/node" } } };
    expect(projected({ $ref: "#/$defs/node" }, { $defs: { node } })).toEqual({
      type: "object",
      properties: {
        name: { type: "string" },
        next: { type: "object", properties: { name: { type: "string" }, next: {} } },
      },
    });
    expect(projected({ $ref: "#/$defs/a" }, { $defs: { a: { $ref: "#/$defs/a" } } })).toEqual({});
    expect(plainSchema({ $ref: "#" })).toEqual({ type: "object" });
  });

  test.each<[string, object, object]>([
    ["nothing", {}, { type: "object" }],
    ["no type", { properties: { a: { type: "string" } } }, { type: "object", properties: { a: { type: "string" } } }],
    ["another type", { type: "string" }, { type: "object" }],
    ["a nullable object", { type: ["object", "null"], properties: {} }, { type: "object" }],
    [
      "a reference",
      { $ref: "#/$defs/a", $defs: { a: { properties: { b: { type: "string" } } } } },
      {
        type: "object",
        properties: { b: { type: "string" } },
      },
    ],
    [
      "a choice",
      {
        anyOf: [
          { properties: { kind: { const: "a" }, a: { type: "string" } }, required: ["kind", "a"] },
          { type: "object", properties: { kind: { const: "b" }, b: { type: "number" } } },
        ],
      },
      {
        type: "object",
        properties: {
          kind: {
            anyOf: [
              { type: "string", enum: ["a"] },
              { type: "string", enum: ["b"] },
            ],
          },
          a: { type: "string" },
          b: { type: "number" },
        },
      },
    ],
    [
      "properties with a choice of what is required",
      { type: "object", properties: { a: { type: "string" } }, anyOf: [{ required: ["a"] }] },
      { type: "object", properties: { a: { type: "string" } } },
    ],
  ])("has an object as its root: %s", (_name, schema, expected) => {
    expect(plainSchema({ $schema: "http://json-schema.org/draft-07/schema#", $id: "x", ...schema })).toEqual(expected);
  });

  test("keeps properties with names that JavaScript's objects have", () => {
    const schema = JSON.parse('{"properties":{"__proto__":{"type":"string"},"constructor":{"$ref":"#/toString"}}}');
    expect(JSON.stringify(plainSchema(schema))).toBe(
      '{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{}}}',
    );
  });
});

describe("whatever the schema", () => {
  const keywords = new Set(["type", "description", "properties", "required", "items", "enum", "anyOf", "nullable"]);
  const keyword = fc.constantFrom(
    ...keywords,
    ...["$ref", "oneOf", "allOf", "not", "const", "additionalProperties", "$defs", "format", "prefixItems", "if"],
  );
  const { schema } = fc.letrec((tie) => ({
    schema: fc.oneof(
      { maxDepth: 6 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.constantFrom("string", "object", "array", "null", "#", "#/$defs/a", "#/properties", "#/%41", "#/~"),
      fc.dictionary(fc.oneof(keyword, fc.string()), tie("schema")),
      fc.array(tie("schema"), { maxLength: 4 }),
    ),
  }));
  const root = fc.dictionary(fc.oneof(keyword, fc.string()), schema);

  /** Returns the first part of the schema that is not plain. */
  function wrong(node: unknown): unknown {
    const entries = Object.entries(node as object);
    const {
      type,
      properties = {},
      required = [],
      items,
      anyOf,
      enum: values,
      nullable,
    } = node as Record<string, never>;
    if (entries.some(([key, value]) => !keywords.has(key) || value === undefined)) return node;
    if (anyOf && (entries.length > 1 || (anyOf as unknown[]).length < 2)) return node;
    if (!anyOf && type === undefined && entries.some(([key]) => key !== "description")) return node;
    if (type !== undefined && !/^(object|array|string|number|integer|boolean)$/.test(type)) return node;
    if ((type === "array") !== (items !== undefined)) return node;
    if (type !== "object" && ("properties" in (node as object) || "required" in (node as object))) return node;
    if (!(required as string[]).every((name) => Object.hasOwn(properties, name))) return node;
    if (values && (type !== "string" || !(values as unknown[]).every((value) => typeof value === "string" && value)))
      return node;
    if (nullable !== undefined && nullable !== true) return node;
    const children = [...Object.values(properties), ...(anyOf ?? []), ...(items ? [items] : [])];
    return children.map(wrong).find((found) => found !== undefined);
  }

  test("the result is an object in the plain subset of JSON Schema", () => {
    fc.assert(
      fc.property(root, (given) => {
        const plain = plainSchema(given);
        expect(plain.type).toBe("object");
        expect(wrong(plain)).toBeUndefined();
      }),
      { numRuns: runs(500) },
    );
  });

  test("a plain schema is not changed", () => {
    fc.assert(
      fc.property(root, (given) => {
        const once = plainSchema(given);
        expect(plainSchema({ ...once })).toEqual(once);
      }),
      { numRuns: runs(200) },
    );
  });

  test("the result has a bounded size and is ready in little time", () => {
    const level = (name: string) => ({
      properties: { l: { $ref: name }, r: { $ref: name } },
      description: "d".repeat(999),
    });
    const doubling = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`n${n}`, level(`#/$defs/n${n + 1}`)]));
    const chain = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, n) => [`c${n}`, { $ref: `#/$defs/c${n + 1}` }]),
    );
    const wide = Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`p${n}`, { type: "string" }]));
    let deep: object = { type: "string" };
    for (let n = 0; n < 5_000; n++) deep = { type: "array", items: deep };
    const schemas = [
      { $ref: "#/$defs/n0", $defs: doubling },
      { properties: { x: { $ref: "#/$defs/c0" } }, $defs: chain },
      { properties: wide },
      { properties: { deep } },
      { properties: { x: { enum: Array.from({ length: 50_000 }, (_, n) => `value ${n}`) } } },
    ];
    const begunAt = processorMs();
    JSON.parse(JSON.stringify([chain, wide]));
    const startedAt = processorMs();
    for (const schema of schemas) expect(JSON.stringify(plainSchema(schema)).length).toBeLessThan(200_000);
    const [tookMs, copyMs] = [processorMs() - startedAt, startedAt - begunAt];
    // It takes some 8 times as long. A cost that grows with the square would be thousands of times.
    expect(tookMs).toBeLessThan(50 * copyMs);
  });
});

test("a full schema says the items of each array, and changes nothing else", () => {
  const array = { type: "array", minItems: 1 };
  const given = {
    description: "d",
    properties: { a: array, b: { type: ["array", "null"] }, c: { anyOf: [array] }, d: { type: "array", items: true } },
    $defs: { t: { type: "array", items: [array] }, p: { type: "array", prefixItems: [{}] } },
    required: ["a"],
  };
  const any = { type: "array", minItems: 1, items: {} };
  expect(fullSchema(given)).toEqual({
    description: "d",
    properties: {
      a: any,
      b: { type: ["array", "null"], items: {} },
      c: { anyOf: [any] },
      d: { type: "array", items: {} },
    },
    $defs: { t: { type: "array", items: { anyOf: [any] } }, p: { type: "array", prefixItems: [{}] } },
    required: ["a"],
    type: "object",
  });
  expect(fullSchema(given)).toBe(fullSchema(given));
  let deep: object = { type: "string" };
  for (let n = 0; n < 5_000; n++) deep = { type: "array", items: deep };
  expect(fullSchema({ properties: { deep } })).toMatchObject({ type: "object" });
});
