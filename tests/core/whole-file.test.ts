import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { writeWhole } from "../../src/core/files/whole-file.js";
import { inFolder } from "../log/support.js";

async function* pieces(...texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

async function* failing(): AsyncGenerator<string> {
  yield "a part";
  throw new Error("the log is gone");
}

test("a file gets its name when it is complete, readable by its user only, in place of an older file", () =>
  inFolder(async (folder) => {
    const file = join(folder, "c.md");
    writeFileSync(file, "older");
    const during: string[] = [];
    async function* watched(): AsyncGenerator<string> {
      yield "one ";
      during.push(readFileSync(file, "utf8"));
      yield "two";
    }
    await writeWhole(file, watched());
    expect(during).toEqual(["older"]);
    expect(readFileSync(file, "utf8")).toBe("one two");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["c.md"]);
  }));

test("a failure leaves the earlier file", () =>
  inFolder(async (folder) => {
    const file = join(folder, "c.md");
    await expect(writeWhole(file, failing())).rejects.toThrow("the log is gone");
    await expect(writeWhole(file, failing(), { isNew: true })).rejects.toThrow("the log is gone");
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(file, "older");
    await expect(writeWhole(file, failing())).rejects.toThrow("the log is gone");
    await expect(writeWhole(file, pieces("new"), { isNew: true })).rejects.toMatchObject({ code: "EEXIST" });
    expect(readFileSync(file, "utf8")).toBe("older");
    expect(readdirSync(folder)).toEqual(["c.md"]);
  }));

test("a path that is not a regular file is written directly", async () => {
  await writeWhole("/dev/null", pieces("text"));
  expect(statSync("/dev/null").isFile()).toBe(false);
});
