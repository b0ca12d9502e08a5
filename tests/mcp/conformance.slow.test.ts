import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

const scenarios = ["tools_call", "auth/metadata-var3", "auth/scope-step-up", "auth/client-credentials-jwt"];

test("quick scenarios of the official conformance suite pass; `npm run conformance` runs them all", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["scripts/conformance.mjs", "0.1.16", ...scenarios]);
  expect(stdout).toContain("0.1.16: 4/4 scenarios");
});
