import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Updates } from "../../../src/scripted/many/updates/assertion-updates.js";
import { stepOf } from "./support.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mcp-platform-updates-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const text = "# Says hello.\nsteps:\n  - user: hi\n    assert:\n      - { type: equals, value: old } # why\n";
const position = { file: "a.session.yaml", line: 5 };
/** Returns a run in which the assertion had this actual value; undefined if the assertion passed. */
const run = (actual?: unknown) => {
  const passed = actual === undefined;
  return {
    steps: [
      stepOf("hi", { assertions: [{ position, type: "equals", passed, reason: "", ...(!passed && { actual }) }] }),
    ],
  };
};

describe("updates", () => {
  test("are written where runs agree; comments and the file's rights stay, also behind a link", () => {
    writeFileSync(join(folder, "real.yaml"), text);
    chmodSync(join(folder, "real.yaml"), 0o755);
    symlinkSync("real.yaml", join(folder, "a.session.yaml"));
    const updates = new Updates();
    for (let time = 0; time < 3; time++) updates.note(run("new"));
    expect(updates.apply(folder)).toEqual([{ position, before: "old", after: "new" }]);
    expect(readFileSync(join(folder, "real.yaml"), "utf8")).toBe(text.replace("old", "new"));
    expect(statSync(join(folder, "real.yaml")).mode & 0o777).toBe(0o755);
  });

  test.each([
    ["came to different values", [run("one"), run("two")]],
    ["partly came to what is written", [run("one"), run()]],
  ])("are not written where runs %s", (_, runs) => {
    writeFileSync(join(folder, "a.session.yaml"), text);
    const updates = new Updates();
    for (const each of runs) updates.note(each);
    expect(updates.apply(folder)).toEqual([{ position, problem: "the runs do not agree on a value" }]);
    expect(readFileSync(join(folder, "a.session.yaml"), "utf8")).toBe(text);
  });

  test("leave a file alone that needs none, and say when one is gone", () => {
    const updates = new Updates();
    updates.note(run());
    expect(updates.apply(folder)).toEqual([]);
    const gone = new Updates();
    gone.note(run("new"));
    expect(gone.apply(folder)).toEqual([{ position, problem: expect.stringContaining("ENOENT") }]);
  });

  test("escape braces, so that they do not become a template", () => {
    writeFileSync(join(folder, "a.session.yaml"), text);
    const updates = new Updates();
    updates.note(run("{{who}}"));
    updates.apply(folder);
    expect(readFileSync(join(folder, "a.session.yaml"), "utf8")).toContain('value: "\\\\{{who}}"');
  });
});
