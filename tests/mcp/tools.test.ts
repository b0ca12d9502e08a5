import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { factsOf, isOffered, modelName, timeoutOf } from "../../src/mcp/lists/tool-facts.js";
import { fixture } from "../support/mcp-hub.js";
import { runs } from "../support/runs.js";

const listed = {
  name: "delete_all",
  description: "",
  inputSchema: {},
  readOnly: true,
  idempotent: true,
  definition: {},
};

describe("model-side names", () => {
  test("a clean pair is server__tool", () => {
    expect(modelName("fs", "read_file")).toBe("fs__read_file");
    expect(modelName("my-server", "a-b")).toBe("my-server__a-b");
  });

  test("every pair of names becomes a name that every provider takes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme", maxLength: 200 }), (server, tool) => {
        expect(modelName(server, tool)).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
      }),
    );
  });

  test("two pairs never share a name, whatever underscores, dots and lengths they have", () => {
    const awkward = fc.string({ unit: fc.constantFrom("a", "_", ".", "-", "é"), maxLength: 6 });
    const long = awkward.map((end) => "x".repeat(62) + end);
    const pair = fc.tuple(awkward, fc.oneof(awkward, long));
    fc.assert(
      fc.property(fc.uniqueArray(pair, { selector: (names) => JSON.stringify(names), maxLength: 30 }), (pairs) => {
        const names = pairs.map(([server, tool]) => modelName(server, tool));
        expect(new Set(names).size).toBe(pairs.length);
      }),
      { numRuns: runs(300) },
    );
  });

  test("a clean name splits back at its first double underscore", () => {
    expect(modelName("a", "b__c")).toBe("a__b__c");
    expect(modelName("a__b", "c")).toMatch(/^a__b__c_[0-9a-f]{10}$/);
    expect(modelName("a", "_b")).toBe("a___b");
    expect(modelName("a_", "b")).toMatch(/^a___b_[0-9a-f]{10}$/);
  });

  test("a tool that is named like another one's hashed name does not take its place", () => {
    const hashed = modelName("a.b", "t");
    expect(modelName("a_b", hashed.slice("a_b__".length))).not.toBe(hashed);
  });
});

describe("the user's patterns", () => {
  const config = (tools: Partial<ReturnType<typeof fixture>["tools"]>) =>
    fixture("s", {}, { tools: { allow: [], deny: [], autoApprove: [], timeoutsMs: {}, ...tools } });

  test("without an allow list all tools are on offer, with one only those, and deny wins", () => {
    expect(isOffered(config({}), { name: "read" })).toBe(true);
    expect(isOffered(config({ allow: ["read*"] }), { name: "read_file" })).toBe(true);
    expect(isOffered(config({ allow: ["read*"] }), { name: "write_file" })).toBe(false);
    expect(isOffered(config({ allow: ["*"], deny: ["*_all"] }), { name: "delete_all" })).toBe(false);
  });

  test("auto_approve matches the server's own name of the tool", () => {
    expect(factsOf(config({ autoApprove: ["delete_*"] }), listed).autoApproved).toBe(true);
    expect(factsOf(config({ autoApprove: ["s__delete_all"] }), listed).autoApproved).toBe(false);
  });
});

test("the first pattern that a tool matches gives its timeout", () => {
  const { tools } = fixture("s");
  const timed = fixture("s", {}, { timeoutMs: 5, tools: { ...tools, timeoutsMs: { "build_*": 70, "*_all": 80 } } });
  expect(["build_all", "test_all", "read"].map((tool) => timeoutOf(timed, tool))).toEqual([70, 80, 5]);
});

test("annotations count only where the user vouches for the server", () => {
  expect(factsOf(fixture("s"), listed)).toMatchObject({ readOnly: false, idempotent: false });
  expect(factsOf(fixture("s", {}, { trusted: true }), listed)).toMatchObject({ readOnly: true, idempotent: true });
});

test("what is remembered of a tool is about the command, the arguments and the environment of its server", () => {
  const placeOf = (more: object) => factsOf({ ...fixture("s"), ...more }, listed).place;
  const place = placeOf({ env: { NODE_OPTIONS: "", A: "1" } });
  expect(placeOf({ env: { A: "1", NODE_OPTIONS: "" } })).toBe(place);
  const others = [
    { env: { A: "1", NODE_OPTIONS: "-r ./evil.js" } },
    { env: { A: "1", NODE_OPTIONS: "" }, args: ["other"] },
    { env: { A: "1", NODE_OPTIONS: "" }, command: "other" },
  ].map(placeOf);
  expect(new Set([place, ...others]).size).toBe(4);
});
