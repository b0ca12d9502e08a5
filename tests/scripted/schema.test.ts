import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { Ajv } from "ajv";
import { schemaErrors, schemaText } from "../../src/scripted/reading/script-schema.js";

interface Node {
  type?: string | string[];
  description?: string;
  $ref?: string;
  properties?: Record<string, Node>;
  definitions?: Record<string, Node>;
  items?: Node;
  additionalProperties?: boolean | Node;
}

function everyKey(node: Node, path = ""): [path: string, node: Node][] {
  const inner = { ...node.properties, ...node.definitions, ...(node.items && { "[]": node.items }) };
  return Object.entries(inner).flatMap(([key, below]) => {
    const at = path ? `${path}.${key}` : key;
    return [[at, below] as [string, Node], ...everyKey(below, at)];
  });
}

const schema: Node = JSON.parse(schemaText());

test("the schema of sessions is valid draft-07, which is what editors speak", () => {
  expect(schema).toMatchObject({ $schema: "http://json-schema.org/draft-07/schema#" });
  expect(new Ajv({ strict: false }).validateSchema(schema)).toBe(true);
});

test("every key of it has a sentence, and mappings with keys have no others", () => {
  const keys = everyKey(schema).filter(([path]) => !path.endsWith("[]"));
  expect(keys.length).toBeGreaterThan(50);
  expect(keys.filter(([, { description }]) => !/^[A-Z{].*\.$/.test(description ?? "")).map(([path]) => path)).toEqual(
    [],
  );
  const open = everyKey(schema).filter(([, node]) => node.properties && node.additionalProperties !== false);
  expect(open.map(([path]) => path)).toEqual([]);
});

test("the schema is published as mcp-platform/session.schema.json", () => {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
  expect(readFileSync(exports["./session.schema.json"], "utf8")).toBe(schemaText());
});

test("the schema accepts a session with everything in it", () => {
  const step = {
    user: "hi",
    output: { json_schema: {} },
    assert: [{ type: "latency", threshold: 1 }],
    save: { a: "$" },
  };
  const session = {
    name: "n",
    description: "d",
    model: "m",
    system: "s",
    vars: { a: [1] },
    mcpServers: { fs: { command: "x" } },
    config: { chat: {} },
    permissions: { approval: "ask", allow: ["a"], deny: ["b"] },
    limits: { hops: 1, turns: 1, tokens: 1, usd: 0.5, time: "60s" },
    cassette: "c.jsonl",
    strict: true,
    matrix: { models: ["a/b"], vars: { lang: ["en", "de"] } },
    scripted: [
      { when: { contains: "x" }, reply: "y", repeat: true },
      { error: 429 },
      { tool_calls: [{ name: "a.b" }] },
    ],
    steps: [
      step,
      { answer: { action: "accept", content: {} }, to: { tool: "a.*", elicitation: "b" } },
      { tool: { name: "a.b", args: { c: 1 } }, if: "a > 1" },
      { prompt: { name: "a.b" } },
      { resource: { uri: "demo://x" } },
      { set: { a: 1 } },
      { include: "b.session.yaml", with: { a: 1 } },
      { parallel: [step] },
      { repeat: { until: "{{done}}", max: 3, steps: [step] } },
      { conversation: "other" },
    ],
  };
  expect(schemaErrors(session)).toEqual([]);
});
