import { expect, test } from "@jest/globals";
import type { KeptApprovals, RememberedTool } from "../../src/core/ports.js";
import { SessionApprovals } from "../../src/session/turns/session-approvals.js";

const tool: RememberedTool = { server: "s", tool: "t", place: "p" };

/** Answers that were kept, by the name of their project. */
function keeping(allowed: Record<string, boolean>): KeptApprovals {
  return {
    find: (_, project) => {
      const allow = allowed[project];
      return allow === undefined ? undefined : { allow, remember: "project" };
    },
    keep: () => {},
  };
}

test.each<[string, Record<string, boolean>, boolean | undefined]>([
  ["a refusal under the earlier name still holds", { shared: false }, false],
  [
    "a refusal under the earlier name holds beside a permission for the folder",
    { shared: false, "/work": true },
    false,
  ],
  ["a permission under the earlier name does not hold", { shared: true }, undefined],
  ["a permission for the folder holds", { "/work": true }, true],
])("of the answers for a project, %s", (_, allowed, expected) => {
  const parts = { approvals: keeping(allowed), project: "/work", earlierProject: "shared" };
  expect(new SessionApprovals(parts).find(tool)?.allow).toBe(expected);
});
