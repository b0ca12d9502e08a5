import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { HubTool } from "../../../src/core/ports.js";
import { toolTokens } from "../../../src/log/folds/estimate.js";
import { findTools } from "../../../src/session/tools/find-tools.js";
import { firstTools, fitsAll, foundTools } from "../../../src/session/tools/tool-choice.js";
import { processorMs } from "../../support/processor-time.js";

const { signal } = new AbortController();

const annotations = { readOnly: false, idempotent: false, destructive: true, openWorld: true };

function tool(server: string, name: string, description = `does ${name}`): HubTool {
  return {
    name: `${server}__${name}`,
    server,
    tool: name,
    description,
    inputSchema: { type: "object" },
    ...annotations,
  };
}

const many = ["a", "b", "c", "d", "e"].flatMap((server) =>
  Array.from({ length: 100 }, (_, index) => tool(server, `tool_${index}`)),
);
const sum = (tools: readonly HubTool[]) => tools.reduce((tokens, each) => tokens + toolTokens(each), 0);

test("the first tools are within the budget, from every server, in the order of the list, and always the same", () => {
  const limits = { maxTokens: 1_000, maxTools: 128 };
  expect(fitsAll(many, limits)).toBe(false);
  const first = firstTools(many, limits);
  expect(sum(first)).toBeLessThanOrEqual(1_000);
  expect(new Set(first.map(({ server }) => server)).size).toBe(5);
  expect(first).toEqual(many.filter((each) => first.includes(each)));
  expect(firstTools([...many], limits)).toEqual(first);
});

test("the first tools leave room for the host's own tools and for what is found", () => {
  expect(firstTools(many, { maxTokens: 1e6, maxTools: 128 })).toHaveLength(128 - 2 - 32);
});

test("found tools stay in their order; when they are too many the older ones go, and the newest is always there", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(many), fc.integer({ min: 4, max: 128 }), (found, maxTools) => {
      const limits = { maxTokens: 600, maxTools };
      const kept = foundTools(found, limits);
      expect(kept).toEqual(found.slice(found.length - kept.length));
      expect(sum(kept)).toBeLessThanOrEqual(600);
      expect(kept.at(-1)).toBe(found.at(-1));
      const one = many[0] as HubTool;
      const next = foundTools([...found, one], limits);
      if (next.length > kept.length) expect(next).toEqual([...kept, one]);
      else expect(next.length).toBeLessThanOrEqual(kept.length / 2 + 1);
    }),
  );
});

test("every tool is found by its name", async () => {
  const search = findTools(many);
  for (const each of many.filter((_, at) => at % 50 === 7)) {
    const { found } = await search.run({ query: each.name, limit: 1 }, signal);
    expect(found).toEqual([each.name]);
  }
});

test("a tool is found by words about what it does, however its name is written", async () => {
  const tools = [
    ...many,
    tool("hub", "listOpenIssues", "Issues of a repository that nobody has closed yet"),
    tool("mail", "send_message", "Delivers a text to somebody's inbox"),
  ];
  const search = findTools(tools);
  const first = async (query: string) => (await search.run({ query, limit: 3 }, signal)).found?.[0];
  expect(await first("list the open issues")).toBe("hub__listOpenIssues");
  expect(await first("write to an inbox")).toBe("mail__send_message");
  expect(await first("repo")).toBe("hub__listOpenIssues");
});

test("a search reads only its first words, however long the query and a tool's description are", async () => {
  const search = findTools([...many, tool("a", "endless", "endless word ".repeat(200_000))]);
  const run = (query: string) => search.run({ query, limit: 1 }, signal);
  await run("first");
  const startedAt = processorMs();
  const { found } = await run(`${many[7]?.name} ${"and what is closed ".repeat(100_000)}`);
  expect(found).toHaveLength(1);
  expect(processorMs() - startedAt).toBeLessThan(1_000);
});

test("a search without a match succeeds; one without a query fails", async () => {
  const search = findTools(many);
  expect(await search.run({ query: "zzzzzzzz" }, signal)).toMatchObject({
    isError: false,
    content: [{ text: expect.stringMatching(/no tool matches.*a, b/) }],
  });
  await expect(search.run({ query: 7 }, signal)).rejects.toThrow("query");
});
