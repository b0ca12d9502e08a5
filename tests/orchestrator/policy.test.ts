import { describe, expect, test } from "@jest/globals";
import type { ToolFacts } from "../../src/core/ports.js";
import { decide, matchesTool, type PolicyRules } from "../../src/orchestrator/policy.js";

const write: ToolFacts = { server: "fs", tool: "write_file", readOnly: false, idempotent: false, autoApproved: false };
const rules = (change: Partial<PolicyRules> = {}): PolicyRules => ({
  approval: "ask",
  allow: [],
  deny: [],
  remembered: [],
  changedTools: "ask",
  ...change,
});

describe("who may run without being asked", () => {
  test("a tool that nothing is known of is asked for, with the reason", () => {
    expect(decide(write, rules())).toEqual({ decision: "ask", reason: "fs.write_file is not known to be read-only" });
  });

  test.each([
    ["a read-only tool of a trusted server", { ...write, readOnly: true }, rules()],
    ["a tool that its server's configuration approves", { ...write, autoApproved: true }, rules()],
    ["a tool that the user allowed by name", write, rules({ allow: ["fs__write_file"] })],
    ["any tool when approval is auto", write, rules({ approval: "auto" })],
    ["a tool that the user said always to", write, rules({ remembered: ["fs__write_file"] })],
  ])("%s runs", (_, tool, given) => {
    expect(decide(tool, given).decision).toBe("allow");
  });

  test("deny wins over allow, over auto and over read-only", () => {
    const denying = rules({ approval: "auto", allow: ["fs.*"], deny: ["fs.write_*"] });
    expect(decide({ ...write, readOnly: true }, denying).decision).toBe("deny");
  });
});

describe("a tool whose definition has changed", () => {
  const change = "its description changed since 2026-11-25 10:12 UTC";

  test.each([
    ["although it is read-only", { ...write, change, readOnly: true }, rules()],
    ["although its server's configuration approves it", { ...write, change, autoApproved: true }, rules()],
    ["although the user said always to what it was", { ...write, change }, rules({ remembered: ["fs__*"] })],
    ["also where it would have been asked for anyway", { ...write, change }, rules({ changedTools: "allow" })],
  ])("is asked for with the change, %s", (_, tool, given) => {
    expect(decide(tool, given)).toEqual({ decision: "ask", reason: `fs.write_file was redefined: ${change}` });
  });

  test.each([
    ["the user allowed it by name", rules({ allow: ["fs__write_file"] })],
    ["approval is auto", rules({ approval: "auto" })],
    ["the user takes changes as they come", rules({ changedTools: "allow" })],
  ])("runs where %s", (_, given) => {
    expect(decide({ ...write, change, readOnly: true }, given).decision).toBe("allow");
  });

  test("is denied where the user denied it", () => {
    expect(decide({ ...write, change }, rules({ deny: ["fs.*"] })).decision).toBe("deny");
  });
});

describe("patterns", () => {
  test.each(["fs__write_file", "fs.write_file", "mcp__fs__write_file", "fs.*", "mcp__fs__*", "*", "*write*", "f*_*le"])(
    "%s names fs.write_file",
    (pattern) => {
      expect(matchesTool([pattern], write)).toBe(true);
    },
  );

  test.each(["write_file", "fs", "fs.write", "git.*", "", "fs.write_file.*", "*x*", "fs.write_*_file"])(
    "%p does not",
    (pattern) => {
      expect(matchesTool([pattern], write)).toBe(false);
    },
  );

  test("a hostile pattern against a long name takes no time to speak of", () => {
    const long = { server: "s", tool: "a".repeat(20_000) };
    expect(matchesTool([`${"*a".repeat(5_000)}b`], long)).toBe(false);
  });
});
