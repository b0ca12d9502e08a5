import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ApprovalAnswer } from "../../src/core/approval.js";
import type { PromptOptions, TurnDefaults } from "../../src/session/shared/prompt-options.js";
import { rulesOf } from "../../src/session/shared/rules.js";
import { decide, isHidden, type PolicyCall } from "../../src/turn/policy.js";

const write: PolicyCall = {
  server: "fs",
  tool: "write_file",
  place: "p",
  readOnly: false,
  idempotent: false,
  destructive: false,
  openWorld: false,
  autoApproved: false,
  arguments: { path: "/tmp/a" },
};

type Said = PromptOptions & {
  config?: Partial<TurnDefaults["permissions"]> & Partial<Pick<TurnDefaults, "approval" | "changedTools">>;
  remembered?: Required<ApprovalAnswer>;
};

function rules({ config = {}, remembered, ...turn }: Said = {}) {
  const { approval = "ask", changedTools = "ask", allow = [], ask = [], deny = [] } = config;
  const permissions = { allow, ask, deny };
  return rulesOf(turn, { approval, changedTools, permissions }, { find: () => remembered, remember: () => {} });
}

const yes = { allow: true, remember: "always" } as const;
const no = { allow: false, remember: "always" } as const;

describe("the approval of calls", () => {
  test("a tool without hints is asked about, with the reason", () => {
    const reason = "fs.write_file is not known to be read-only";
    expect(decide(write, rules())).toEqual({ decision: "ask", reason, onceOnly: false });
  });

  test.each([
    ["a read-only tool of a trusted server", { ...write, readOnly: true }, rules()],
    ["a tool that its server's configuration approves", { ...write, autoApproved: true }, rules()],
    ["a tool that the user allowed by a flag", write, rules({ allow: ["fs__write_file"] })],
    ["a tool that the user allowed by a rule", write, rules({ config: { allow: ["fs.*(path=/tmp/*)"] } })],
    ["any tool with --yes", write, rules({ approval: "auto" })],
    ["any tool when approval is auto", write, rules({ config: { approval: "auto" } })],
    ["a tool that the user said always to", write, rules({ remembered: yes })],
  ])("%s runs", (_, call, given) => {
    expect(decide(call, given).decision).toBe("allow");
  });

  test("a rule by arguments allows no other call of the tool", () => {
    const given = rules({ config: { allow: ["fs.*(path=/tmp/*)"] } });
    expect(decide({ ...write, arguments: { path: "/etc/a" } }, given).decision).toBe("ask");
    expect(decide({ ...write, arguments: { path: "/tmp/../etc/a" } }, given).decision).toBe("ask");
  });

  test("a rule that asks wins over what is read-only, allowed, auto or remembered, and each yes holds once", () => {
    const config = { ask: ["fs.*(path=/tmp/*)"], allow: ["*"], approval: "auto" as const };
    const reason = "fs.write_file is asked about by the rule fs.*(path=/tmp/*)";
    const verdict = decide({ ...write, readOnly: true }, rules({ config, remembered: yes }));
    expect(verdict).toEqual({ decision: "ask", reason, onceOnly: true });
    expect(decide(write, rules({ config, allow: ["fs.*"] })).decision).toBe("allow");
  });

  test("a remembered no wins over all but a permission for this turn, and says where it can be taken back", () => {
    const config = { allow: ["*"], ask: ["*"], approval: "auto" as const };
    expect(decide({ ...write, readOnly: true }, rules({ config, remembered: no }))).toEqual({
      decision: "deny",
      reason: expect.stringMatching(/has said no to fs__write_file for good \(mcp-platform approvals forget/),
    });
    expect(decide(write, rules({ allow: ["fs.*"], remembered: no })).decision).toBe("allow");
  });
});

describe("deny", () => {
  test("by arguments refuses the call and names the rule, and does not hide the tool", () => {
    const given = rules({ config: { deny: ["fs.*(path=/tmp/*)"] }, approval: "auto" });
    expect(decide(write, given)).toEqual({
      decision: "deny",
      reason: "the user's policy denies fs__write_file with these arguments, by the rule fs.*(path=/tmp/*)",
    });
    expect(decide({ ...write, arguments: { path: "/home" } }, given).decision).toBe("allow");
    expect(isHidden(write, given)).toBe(false);
  });

  test("by arguments also refuses calls of a tool as other hosts spell it, and its allow does not let it run", () => {
    const wipe = { ...write, tool: "admin.wipe" };
    const pattern = "fs__admin_wipe(path=/tmp/*)";
    expect(decide(wipe, rules({ config: { deny: [pattern] }, approval: "auto" })).decision).toBe("deny");
    expect(decide(wipe, rules({ deny: [pattern], approval: "auto" })).decision).toBe("deny");
    expect(decide(wipe, rules({ config: { ask: [pattern], approval: "auto" } })).decision).toBe("ask");
    expect(decide(wipe, rules({ config: { allow: [pattern] } })).decision).toBe("ask");
    expect(decide(wipe, rules({ allow: [pattern] })).decision).toBe("ask");
  });

  test("without arguments hides the tool, by name or by annotation", () => {
    expect(isHidden(write, rules({ deny: ["fs.write_*"] }))).toBe(true);
    expect(isHidden(write, rules({ config: { deny: ["@destructive"] } }))).toBe(false);
    expect(isHidden({ ...write, destructive: true }, rules({ config: { deny: ["@destructive"] } }))).toBe(true);
  });

  test("always wins", () => {
    const patterns = fc.subarray(["*", "fs.*", "fs__write_file", "@readonly", "fs.*(path=/tmp/*)", "*(path=*)"]);
    const answer = fc.constantFrom(undefined, yes, no);
    const flags = fc.record({ readOnly: fc.boolean(), autoApproved: fc.boolean(), idempotent: fc.boolean() });
    const denying = fc.constantFrom("fs.*", "mcp__fs__write_file", "*(path=/tmp/*)", "fs.write_file(path=/tmp/a)");
    fc.assert(
      fc.property(
        fc.record({ allow: patterns, ask: patterns, turn: patterns, flags, answer, denying, byFlag: fc.boolean() }),
        fc.constantFrom("ask" as const, "auto" as const),
        ({ allow, ask, turn, flags, answer, denying, byFlag }, approval) => {
          const config = { allow, ask, approval, deny: byFlag ? [] : [denying] };
          const said = { approval, allow: turn, deny: byFlag ? [denying] : [], config, remembered: answer };
          expect(decide({ ...write, ...flags }, rules(said)).decision).toBe("deny");
        },
      ),
    );
  });
});

describe("a tool whose definition has changed", () => {
  const change = "its description changed since 2026-11-25 10:12 UTC";
  const asked = { decision: "ask", reason: `fs.write_file was redefined: ${change}` };

  test.each([
    ["although it is read-only", { ...write, change, readOnly: true }, rules()],
    ["although its server's configuration approves it", { ...write, change, autoApproved: true }, rules()],
    ["although a rule allows it", { ...write, change }, rules({ config: { allow: ["fs.*"] } })],
    ["although the user said always to what it was", { ...write, change }, rules({ remembered: yes })],
    ["also where it would have been asked for", { ...write, change }, rules({ config: { changedTools: "allow" } })],
    ["also where a rule asks", { ...write, change }, rules({ config: { ask: ["*"] } })],
  ])("is asked about with the change, %s", (_, call, given) => {
    expect(decide(call, given)).toMatchObject(asked);
  });

  test.each([
    ["the user allowed it by a flag", rules({ allow: ["fs__write_file"] })],
    ["approval is auto", rules({ config: { approval: "auto" } })],
    ["the user takes changes as they come", rules({ config: { changedTools: "allow" } })],
  ])("runs where %s", (_, given) => {
    expect(decide({ ...write, change, readOnly: true }, given).decision).toBe("allow");
  });

  test("is denied where the user denied it", () => {
    expect(decide({ ...write, change }, rules({ deny: ["fs.*"] })).decision).toBe("deny");
  });
});
