import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";

const turns = 60;
const bytes = 80_000;

/** Returns the bytes that the turns leave behind if each holds an array of this size. */
async function leftBehind(bytesOfEach: number): Promise<number> {
  const step = toolCalls([{ name: "s__echo", arguments: { n: 1 } }]);
  await using llm = await startLlmServer(Array.from({ length: turns + 10 }, () => [step, step, answer("done")]).flat());
  const home = mkdtempSync(join(tmpdir(), "left-behind-"));
  const args = ["--expose-gc", "--no-warnings", "tests/support/left-behind.mjs", llm.url, home];
  const { stdout } = await promisify(execFile)(process.execPath, [...args, String(turns), String(bytesOfEach)]);
  return Number(stdout);
}

// Two constructs would keep all of a turn until the next full collection (AGENTS.md): a function assigned directly to a property, and
// values that an accessor of a new object literal refers to. Some small objects of a turn grow old in any case, so turns that hold much are
// compared with turns that hold nothing. This test does not see texts that a WeakMap keeps.
test("a turn that has ended does not survive a collection of young objects", async () => {
  const withNothing = await leftBehind(8);
  expect((await leftBehind(bytes)) - withNothing).toBeLessThan((turns * bytes) / 8);
});
