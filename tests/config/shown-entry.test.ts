import { expect, test } from "@jest/globals";
import { shownEntry, withSecretsOf } from "../../src/config/edit/shown-entry.js";

const program = {
  command: "npx",
  args: ["-y", "x", "--a-token", "secret-of-a", "--b-token", "secret-of-b"],
  env: { KEY: "hidden", OTHER: "${OTHER}" },
};

test("an entry is shown without its secrets, and placeholders stay", () => {
  expect(shownEntry(program)).toEqual({
    command: "npx",
    args: ["-y", "x", "--a-token", "***", "--b-token", "***"],
    env: { KEY: "***", OTHER: "${OTHER}" },
  });
  const remote = { url: "https://u:p@h.example/mcp?key=abc", headers: { Authorization: "Bearer abc" } };
  expect(JSON.stringify(shownEntry(remote))).not.toMatch(/abc|u:p/);
});

test("an edited entry keeps the secrets that it still shows", () => {
  const edited = { ...shownEntry(program), cwd: "/tmp", env: { KEY: "***", OTHER: "new", MORE: "1" } };
  expect(withSecretsOf(program, edited)).toEqual({
    ...program,
    cwd: "/tmp",
    env: { KEY: "hidden", OTHER: "new", MORE: "1" },
  });
});

test("a secret stays with its option when arguments are taken out, and goes nowhere else", () => {
  const args = ["-y", "x", "--b-token", "***"];
  expect(withSecretsOf(program, { command: "npx", args })).toEqual({
    command: "npx",
    args: ["-y", "x", "--b-token", "secret-of-b"],
  });
  for (const wrong of [["--c-token", "***"], ["***"]])
    expect(() => withSecretsOf(program, { command: "npx", args: wrong })).toThrow("*** stands for a secret");
  expect(() => withSecretsOf(program, { command: "npx", env: { RENAMED: "***" } })).toThrow("env.RENAMED");
});
