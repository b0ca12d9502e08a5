import { describe, expect, test } from "@jest/globals";
import { requireKnownVariables } from "../../../src/scripted/many/run-plan.js";
import { readScript } from "../../../src/scripted/reading/read-script.js";

const declaring = { vars: { repo: "a/b", most: 3 }, steps: [{ user: "bugs of {{repo}}, {{given}}" }] };
const silent = { steps: [{ user: "hi" }] };
const code = (value: string) => ({ type: "javascript", value });
const given = (name: string, ...scripts: object[]) => {
  const read = scripts.map((script) => readScript({ ...script }, process.cwd()));
  return () => requireKnownVariables(read, { [name]: 1 });
};

describe("a variable of --var", () => {
  test.each([
    ["that the session declares", given("most", declaring)],
    ["that a matrix declares", given("lang", { matrix: { vars: { lang: ["de"] } }, ...silent })],
    ["that a text has and nothing declares", given("given", declaring)],
    ["that an expression has", given("flag", { vars: { a: 1 }, steps: [{ user: "hi", if: "flag > 1" }] })],
    ["that a line of code has", given("flag", { vars: { a: 1 }, steps: [{ user: "hi", assert: [code("1;\nflag")] }] })],
    ["that another session has", given("most", { vars: { a: 1 }, ...silent }, declaring)],
    ["where no session declares one", given("repos", silent)],
  ])("%s is taken", (_, check) => {
    expect(check).not.toThrow();
  });

  test("is refused if no session has it, and the error names the known ones", () => {
    expect(given("repos", silent, declaring)).toThrow("--var repos: no session has this variable (did you mean repo?)");
    expect(given("x", declaring)).toThrow(expect.objectContaining({ kind: "usage", hint: "known: most, repo" }));
  });
});
