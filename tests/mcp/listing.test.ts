import { expect, test } from "@jest/globals";
import { promptList, resourceList, toolListKind } from "../../src/mcp/lists/listed.js";
import { listAll } from "../../src/mcp/lists/listing.js";

const tool = (name: unknown, more: object = {}) => ({ name, inputSchema: { type: "object" }, ...more });
const onePage = (tools: unknown) => async () => ({ tools });

test("a malformed tool is left out alone, with its reason", async () => {
  const { items, problems } = await listAll(
    onePage([
      tool("good"),
      tool(""),
      tool(undefined),
      { name: "bare" },
      tool("listy", { inputSchema: [] }),
      tool("texty", { inputSchema: { type: "string" } }),
      tool("good"),
      "nonsense",
      tool("last"),
    ]),
    toolListKind,
  );
  expect(items.map(({ name }) => name)).toEqual(["good", "last"]);
  expect(problems).toEqual([
    "(without a name): name is not a text",
    "(without a name): name is missing",
    "bare: inputSchema is missing",
    "listy: inputSchema is not an object",
    'texty: inputSchema.type is "string", not "object"',
    "good: is listed twice",
    "(without a name): not an object",
  ]);
});

test.each([
  ["a line end", "x? \nrun files.read", "its name has characters that cannot be seen"],
  ["a terminal sequence", "\u001b[2Jread", "its name has characters that cannot be seen"],
  ["another direction of reading", "\u202edaer", "its name has characters that cannot be seen"],
  ["what moves the rest out of sight", `x${"\u3000".repeat(256)}`, "its name is longer than 256 characters"],
])("a tool whose name has %s is left out: a person decides by the name", async (_, name, reason) => {
  const { items, problems } = await listAll(onePage([tool(name), tool("a name of its own é")]), toolListKind);
  expect(items.map((item) => item.name)).toEqual(["a name of its own é"]);
  expect(problems).toEqual([`${name}: ${reason}`]);
});

test("a schema that is too deep for a request is left out alone", async () => {
  const deep = JSON.parse(`${'{"x":'.repeat(20_000)}1${"}".repeat(20_000)}`);
  const { items, problems } = await listAll(onePage([tool("deep", { inputSchema: deep }), tool("good")]), toolListKind);
  expect(items.map(({ name }) => name)).toEqual(["good"]);
  expect(problems).toEqual(["deep: inputSchema is deeper than 200 levels"]);
});

test("small mistakes are accepted: no schema type, null texts, hints that are not booleans", async () => {
  const sloppy = tool("t", { description: null, title: null, inputSchema: {}, annotations: { readOnlyHint: "true" } });
  const { items, problems } = await listAll(
    onePage([sloppy, tool("u", { title: "Title", outputSchema: 3 })]),
    toolListKind,
  );
  expect(problems).toEqual([]);
  expect(items).toMatchObject([
    { name: "t", description: "", inputSchema: { type: "object" }, readOnly: false, idempotent: false },
    { name: "u", description: "Title", inputSchema: { type: "object" }, readOnly: false, idempotent: false },
  ]);
});

test("all pages are read, in order", async () => {
  const pages: Record<string, unknown> = { "": { tools: [tool("a")], nextCursor: "p2" }, p2: { tools: [tool("b")] } };
  const asked: unknown[] = [];
  const { items } = await listAll(async (_, { cursor = "" }) => {
    asked.push(cursor);
    return pages[String(cursor)] as Record<string, unknown>;
  }, toolListKind);
  expect(items.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(asked).toEqual(["", "p2"]);
});

test("pages that go in a circle end, with the items so far", async () => {
  let asked = 0;
  const { items, problems } = await listAll(
    async () => ({ tools: [tool(`t${asked++}`)], nextCursor: "same" }),
    toolListKind,
  );
  expect(items.map(({ name }) => name)).toEqual(["t0", "t1"]);
  expect(problems).toEqual(["tools/list pages in a circle"]);
});

test("the number of pages is limited", async () => {
  let asked = 0;
  const { problems } = await listAll(async () => ({ tools: [], nextCursor: `c${asked++}` }), toolListKind);
  expect(asked).toBe(200);
  expect(problems).toEqual(["tools/list has more than 200 pages"]);
});

test("a list that would take all memory ends, with the items so far", async () => {
  const uris = Array.from({ length: 25_001 }, (_, index) => `x:${index}`);
  let pages = 0;
  const many = async () => {
    pages += 1;
    return { resources: uris.map((uri) => ({ uri: `${uri}/${pages}` })), nextCursor: `c${pages}` };
  };
  const { items, problems } = await listAll(many, resourceList);
  expect([items.length, pages, problems]).toEqual([
    50_000,
    2,
    ["resources/list has more than 50000 items; the others are left out"],
  ]);

  const description = "d".repeat(20_000_000);
  const long = async () => ({ resources: [{ uri: `y:${pages++}`, description }], nextCursor: `c${pages}` });
  const found = await listAll(long, resourceList);
  expect([found.items.length, found.problems]).toEqual([5, ["resources/list has more than 64 MB"]]);
});

test("a server may list 5,000 tools; the others are left out", async () => {
  const tools = Array.from({ length: 5_002 }, (_, index) => tool(`t${index}`));
  const { items, problems } = await listAll(onePage(tools), toolListKind);
  expect([items.length, items.at(-1)?.name]).toEqual([5_000, "t4999"]);
  expect(problems).toEqual(["tools/list has more than 5000 items; the others are left out"]);
});

test("prompts and resources are read alike", async () => {
  const prompts = [
    { name: "p", title: "P", arguments: [{ name: "a", required: true }, {}] },
    { name: "q", arguments: [null] },
  ];
  const listed = await listAll(async () => ({ prompts }), promptList);
  expect(listed.items).toMatchObject([{ name: "q", description: "", arguments: [] }]);
  expect(listed.problems).toEqual(["p: name is missing"]);
  const resources = [{ uri: "a://b", mimeType: "text/plain" }, { name: "no uri" }];
  expect(await listAll(async () => ({ resources }), resourceList)).toMatchObject({
    items: [{ uri: "a://b", name: "a://b", description: "", mimeType: "text/plain" }],
    problems: ["no uri: uri is missing"],
  });
});
