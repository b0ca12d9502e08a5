import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "@jest/globals";
import { keptSecret } from "../../src/core/files/kept-secret.js";

const folder = mkdtempSync(join(tmpdir(), "mcp-platform-"));
const file = join(folder, "state", "secret");
beforeEach(() => rmSync(join(folder, "state"), { recursive: true, force: true }));
afterAll(() => rmSync(folder, { recursive: true }));

test("a secret is made once, in a file and a folder that only the user can read", () => {
  const secret = keptSecret(file);
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect([keptSecret(file), readFileSync(file, "utf8")]).toEqual([secret, `${secret}\n`]);
  expect([statSync(file).mode & 0o777, statSync(join(folder, "state")).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(readdirSync(join(folder, "state"))).toEqual(["secret"]);
});

test.each([
  ["others can read", () => chmodSync(file, 0o644)],
  ["a group can write", () => chmodSync(file, 0o620)],
  ["is cut", () => writeFileSync(file, "short", { mode: 0o600 })],
  ["is empty", () => writeFileSync(file, "", { mode: 0o600 })],
  [
    "is a link to elsewhere",
    () => {
      const elsewhere = join(folder, "state", "elsewhere");
      writeFileSync(elsewhere, readFileSync(file), { mode: 0o600 });
      rmSync(file);
      symlinkSync(elsewhere, file);
    },
  ],
])("a file that %s is not used, and is replaced by another secret", (_, spoil) => {
  const before = keptSecret(file);
  spoil();
  const after = keptSecret(file);
  expect(after).not.toBe(before);
  expect([keptSecret(file), statSync(file).mode & 0o777]).toEqual([after, 0o600]);
});

test("a secret that cannot be replaced is an error, and leaves no file behind", () => {
  mkdirSync(file, { recursive: true });
  expect(() => keptSecret(file)).toThrow(/EISDIR|EEXIST|ENOTEMPTY/);
  expect([existsSync(file), readdirSync(join(folder, "state"))]).toEqual([true, ["secret"]]);
});
