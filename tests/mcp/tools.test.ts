import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { loadConfig } from "../../src/config/reading/load.js";
import type { ConfiguredServer } from "../../src/core/config.js";
import { modelName } from "../../src/core/patterns/model-name.js";
import { Manifest } from "../../src/mcp/lists/manifest.js";
import { fileNameOf, programOf } from "../../src/mcp/lists/server-hash.js";
import { emptyLists } from "../../src/mcp/lists/server-lists.js";
import { factsOf, isOffered, timeoutOf } from "../../src/mcp/lists/tool-facts.js";
import { fixture, temporaryFolder } from "../support/mcp-hub.js";
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
  test("are server__tool for plain names", () => {
    expect(modelName("fs", "read_file")).toBe("fs__read_file");
    expect(modelName("my-server", "a-b")).toBe("my-server__a-b");
  });

  test("are valid for every provider, for every pair of names", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme", maxLength: 200 }), (server, tool) => {
        expect(modelName(server, tool)).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
      }),
    );
  });

  test("are never shared by two pairs, whatever underscores, dots and lengths they have", () => {
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

  test("split back at their first double underscore, if they are plain", () => {
    expect(modelName("a", "b__c")).toBe("a__b__c");
    expect(modelName("a__b", "c")).toMatch(/^a__b__c_[0-9a-f]{10}$/);
    expect(modelName("a", "_b")).toBe("a___b");
    expect(modelName("a_", "b")).toMatch(/^a___b_[0-9a-f]{10}$/);
  });

  test("are not taken by a tool that is named like another one's hashed name", () => {
    const hashed = modelName("a.b", "t");
    expect(modelName("a_b", hashed.slice("a_b__".length))).not.toBe(hashed);
  });
});

describe("the user's patterns", () => {
  const config = (tools: Partial<ReturnType<typeof fixture>["tools"]>) =>
    fixture("s", {}, { tools: { allow: [], deny: [], autoApprove: [], timeoutsMs: {}, ...tools } });

  test("without an allow list all tools are offered, with one only its tools, and deny wins", () => {
    expect(isOffered(config({}), { name: "read" })).toBe(true);
    expect(isOffered(config({ allow: ["read*"] }), { name: "read_file" })).toBe(true);
    expect(isOffered(config({ allow: ["read*"] }), { name: "write_file" })).toBe(false);
    expect(isOffered(config({ allow: ["*"], deny: ["*_all"] }), { name: "delete_all" })).toBe(false);
  });

  test("deny also matches a tool as other hosts spell it, while allow and auto_approve need its own name", () => {
    const name = "admin.drop/all";
    for (const pattern of [name, "admin_drop_all", "admin_*", "s__admin_drop_all"])
      expect(isOffered(config({ deny: [pattern] }), { name })).toBe(false);
    expect(isOffered(config({ deny: ["admin_drop"] }), { name })).toBe(true);
    expect(isOffered(config({ deny: ["admin.drop"] }), { name: "admin_drop" })).toBe(true);
    expect(isOffered(config({ allow: ["admin_*"] }), { name })).toBe(false);
    expect(factsOf(config({ autoApprove: ["admin_*"] }), { ...listed, name }).autoApproved).toBe(false);
  });

  test.each(["s.delete_all", "s__delete_*", "mcp__s__delete_all", "s.*"])(
    "deny also matches a tool with its server in front, while allow and auto_approve do not: %s",
    (pattern) => {
      expect(isOffered(config({ deny: [pattern] }), listed)).toBe(false);
      expect(isOffered(config({ allow: [pattern] }), listed)).toBe(false);
      expect(factsOf(config({ autoApprove: [pattern] }), listed).autoApproved).toBe(false);
    },
  );

  test.each(["s*", "s_*", "mcp__*", "t.delete_all", "s.*_everything"])("deny does not match %s", (pattern) => {
    expect(isOffered(config({ deny: [pattern] }), listed)).toBe(true);
  });

  test("auto_approve matches the server's own name of the tool", () => {
    expect(factsOf(config({ autoApprove: ["delete_*"] }), listed).autoApproved).toBe(true);
  });
});

test("the first pattern that a tool matches gives its timeout", () => {
  const { tools } = fixture("s");
  const timed = fixture("s", {}, { timeoutMs: 5, tools: { ...tools, timeoutsMs: { "build_*": 70, "*_all": 80 } } });
  expect(["build_all", "test_all", "read"].map((tool) => timeoutOf(timed, tool))).toEqual([70, 80, 5]);
});

test("annotations count only if the user trusts the server", () => {
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

describe("what is remembered of a server without cwd", () => {
  const stdio = (command: string, args: string[], more: object = {}): ConfiguredServer => {
    const { config } = loadConfig({ mcpServers: { s: { command, args, ...more } } }, { env: {} });
    const [server] = config.mcpServers;
    if (!server) throw new Error("the server is missing");
    return server;
  };
  /** Returns the keys of the answers, the pins and the lists that are kept of this server, in a host that runs in the folder. */
  function keptIn(folder: string, server: () => ConfiguredServer): string[] {
    const before = process.cwd();
    process.chdir(folder);
    try {
      using manifests = temporaryFolder();
      const manifest = new Manifest({ folder: manifests.path, keyFile }, server());
      manifest.write({ version: "1", lists: emptyLists });
      return [programOf(server()), fileNameOf(server()), ...readdirSync(manifests.path)];
    } finally {
      process.chdir(before);
    }
  }
  const keys = temporaryFolder();
  const keyFile = join(keys.path, "key");
  afterAll(() => keys[Symbol.dispose]());

  test.each([
    ["node", ["server.mjs"]],
    ["node", ["./server.mjs"]],
    ["npx", ["-y", "some-server"]],
    ["./server", []],
    ["bin/server", ["/abs/data"]],
    ["server", []],
    ["/usr/bin/node", ["server.mjs"]],
    ["/usr/bin/npx", ["-y", "some-server"]],
    ["env", ["/usr/bin/node", "server.mjs"]],
    ["node", ["/abs/server.mjs", "./data"]],
    ["node", ["--import=./hook.mjs", "/abs/server.mjs"]],
    ["python3", ["-mserver", "/abs/data"]],
  ])("belongs to the working folder if it is started by %s %j", (command, args) => {
    using one = temporaryFolder();
    using other = temporaryFolder();
    const start = () => stdio(command, args);
    const here = keptIn(one.path, start);
    expect(keptIn(one.path, start)).toEqual(here);
    for (const [index, key] of keptIn(other.path, start).entries()) expect(key).not.toBe(here[index]);
  });

  test.each([
    ["node", ["/abs/server.mjs"], {}],
    ["node", ["/abs/server.mjs", "--port", "8080", "{}"], {}],
    ["/abs/server", [], {}],
    ["/abs/server", ["--stdio", "/abs/data"], {}],
    ["npx", ["-y", "some-server"], { cwd: "/abs" }],
  ])("holds in every folder if it is started by %s %j %j", (command, args, more) => {
    using one = temporaryFolder();
    using other = temporaryFolder();
    const start = () => stdio(command, args, more);
    expect(keptIn(other.path, start)).toEqual(keptIn(one.path, start));
  });

  test("holds in every folder if the server starts in a folder of its own, except for what is relative to the working folder", () => {
    const started = (working: string, args: string[]) => ({
      ...stdio("npx", args),
      folders: { own: "/abs/own", working },
    });
    const placeOf = (working: string, ...args: string[]) => programOf(started(working, args));
    expect(placeOf("/one", "-y", "some-server")).toBe(placeOf("/other", "-y", "some-server"));
    expect(placeOf("/one", "./server.mjs")).not.toBe(placeOf("/other", "./server.mjs"));
  });
});
