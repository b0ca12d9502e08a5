import { mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { definitionOf } from "../../src/mcp/lists/definition.js";
import type { ListedTool } from "../../src/mcp/lists/listed.js";
import { Pins } from "../../src/mcp/lists/pins.js";
import { fixture, temporaryFolder } from "../support/mcp-hub.js";

const at = (time: string) => () => Date.parse(time);
const noon = at("2026-11-25T12:00:00Z");

function tool(name: string, description: string, more: object = {}): ListedTool {
  const raw = { name, description, inputSchema: { type: "object" }, ...more };
  return { ...raw, readOnly: false, idempotent: false, definition: definitionOf(raw), extras: {} };
}

const before = tool("write", "writes");
const after = tool("write", "writes and sends");

describe("pinned definitions", () => {
  test("are the first ones seen, until others are pinned", () => {
    using folder = temporaryFolder();
    new Pins(folder.path, fixture("s"), noon).pinNew([before]);
    const later = new Pins(folder.path, fixture("s"), at("2026-12-24T18:30:00Z"));
    later.pinNew([after]);
    expect([...later.changes([after])]).toEqual([["write", "its description changed since 2026-11-25 12:00 UTC"]]);
    later.pin([after]);
    expect(later.changes([after]).size).toBe(0);
    const changed = tool("write", "writes", { title: "Write", annotations: {} });
    expect([...new Pins(folder.path, fixture("s")).changes([changed]).values()]).toEqual([
      "its title, description and annotations changed since 2026-12-24 18:30 UTC",
    ]);
  });

  test("stay while the tool is gone", () => {
    const pins = new Pins(undefined, fixture("s"), noon);
    pins.pinNew([before]);
    pins.pinNew([tool("other", "else")]);
    expect(pins.changes([after]).size).toBe(1);
  });

  test("are 10,000 at most; a further tool counts as changed until it is approved", () => {
    using folder = temporaryFolder();
    const pins = new Pins(folder.path, fixture("s"), noon);
    const renamed = (to: string) => Array.from({ length: 5_000 }, (_, index) => ({ ...before, name: `${to}${index}` }));
    pins.pinNew([before]);
    pins.pinNew(renamed("a"));
    expect([...pins.changes(renamed("b")).keys()]).toEqual(["b4999"]);
    pins.pinNew(renamed("b"));
    const file = join(folder.path, readdirSync(folder.path)[0] ?? "");
    const { ino } = statSync(file);
    pins.pinNew(renamed("c"));
    expect(statSync(file).ino).toBe(ino);
    expect(Object.keys(JSON.parse(readFileSync(file, "utf8")).tools)).toHaveLength(10_000);
    const further = renamed("c").slice(0, 2);
    const why = "unknown, because 10000 other tools of the server are pinned already";
    expect([...pins.changes([...further, after]).entries()]).toEqual([
      ["c0", why],
      ["c1", why],
      ["write", expect.stringMatching(/^its description changed/)],
    ]);
    pins.pin(further.slice(0, 1));
    expect([...pins.changes(further).keys()]).toEqual(["c1"]);
  });

  test("belong to the server under its settings; a new key in its environment makes no other server of it", () => {
    using folder = temporaryFolder();
    new Pins(folder.path, fixture("s", {}, { env: { KEY: "old" } }), noon).pinNew([before]);
    const changesAt = (...server: Parameters<typeof fixture>) =>
      new Pins(folder.path, fixture(...server)).changes([after]).size;
    expect(changesAt("s", {}, { env: { KEY: "new" } })).toBe(1);
    expect(changesAt("other")).toBe(0);
    expect(changesAt("s", { noise: true })).toBe(0);
  });

  test("can be read only by their owner, and do not contain the key", () => {
    using folder = temporaryFolder();
    new Pins(folder.path, fixture("s", {}, { env: { KEY: "secret" } }), noon).pinNew([before]);
    const [file = ""] = readdirSync(folder.path);
    expect(statSync(join(folder.path, file)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder.path, file), "utf8")).not.toContain("secret");
  });

  test("hold for this run if they cannot be written", () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "file");
    writeFileSync(path, "");
    const pins = new Pins(path, fixture("s"), noon);
    expect(() => pins.pinNew([before])).toThrow();
    expect(pins.changes([after]).size).toBe(1);
  });

  test("stay if they cannot be read, and every tool counts as changed meanwhile", () => {
    using folder = temporaryFolder();
    const pins = new Pins(folder.path, fixture("s"), noon);
    pins.pinNew([before]);
    const path = join(folder.path, readdirSync(folder.path)[0] ?? "");
    renameSync(path, `${path}.aside`);
    mkdirSync(path);
    expect(pins.changes([after]).get("write")).toMatch(
      /^unknown, because its pinned definition cannot be read .*EISDIR/,
    );
    expect(() => pins.pinNew([after])).toThrow("EISDIR");
    rmdirSync(path);
    renameSync(`${path}.aside`, path);
    expect([...pins.changes([after]).values()]).toEqual(["its description changed since 2026-11-25 12:00 UTC"]);
    expect(pins.changes([before]).size).toBe(0);
  });

  test("hold for approvals that were given while the file could not be read, and get them later", () => {
    using folder = temporaryFolder();
    const pins = new Pins(folder.path, fixture("s"), noon);
    pins.pinNew([before, tool("other", "else")]);
    const path = join(folder.path, readdirSync(folder.path)[0] ?? "");
    renameSync(path, `${path}.aside`);
    mkdirSync(path);
    expect(() => pins.pin([after])).toThrow("EISDIR");
    expect(pins.changes([after]).size).toBe(0);
    rmdirSync(path);
    renameSync(`${path}.aside`, path);
    pins.pin([tool("third", "new")]);
    const later = new Pins(folder.path, fixture("s"));
    expect([...later.changes([before, tool("other", "changed")]).keys()]).toEqual(["write", "other"]);
  });

  test("hold, however many there are", () => {
    using folder = temporaryFolder();
    const pins = new Pins(folder.path, fixture("s"), noon);
    pins.pinNew([before]);
    const path = join(folder.path, readdirSync(folder.path)[0] ?? "");
    const other = `"n":{"pinnedAt":1,"definition":{}}`;
    writeFileSync(path, readFileSync(path, "utf8").replace('{"tools":{', `$&${`${other},`.repeat(350_000)}`));
    expect([...pins.changes([after]).values()]).toEqual(["its description changed since 2026-11-25 12:00 UTC"]);
  });

  test("are ignored if their file is broken; tools may have names of JavaScript's own properties", () => {
    using folder = temporaryFolder();
    mkdirSync(folder.path, { recursive: true });
    const pins = new Pins(folder.path, fixture("s"), noon);
    pins.pinNew([before]);
    writeFileSync(join(folder.path, readdirSync(folder.path)[0] ?? ""), '{"tools":{"write":7');
    expect(pins.changes([after]).size).toBe(0);
    pins.pinNew([tool("constructor", "a"), tool("__proto__", "a")]);
    expect([...pins.changes([tool("constructor", "b"), tool("__proto__", "b")]).keys()]).toEqual([
      "constructor",
      "__proto__",
    ]);
  });
});
