import { describe, expect, test } from "@jest/globals";
import { plan } from "../../../src/scripted/many/run-plan.js";
import { scriptOf } from "./support.js";

const matrix = { models: ["a/one", "b/two"], vars: { lang: ["en", "de"], n: [1] } };

describe("a matrix", () => {
  test("is a run for each model and each combination of variables, with a name of its own", async () => {
    const runs = await plan([scriptOf("greet", { matrix }), scriptOf("plain", { model: "c/three" })]);
    expect(runs.map(({ name, model, matrix: vars }) => [name, model, vars])).toEqual([
      ["greet [model=a/one, lang=en, n=1]", "a/one", { lang: "en", n: 1 }],
      ["greet [model=a/one, lang=de, n=1]", "a/one", { lang: "de", n: 1 }],
      ["greet [model=b/two, lang=en, n=1]", "b/two", { lang: "en", n: 1 }],
      ["greet [model=b/two, lang=de, n=1]", "b/two", { lang: "de", n: 1 }],
      ["plain", "c/three", {}],
    ]);
  });

  test("gives every cell a cassette of its own, within the folder whatever the values", async () => {
    const runs = await plan([
      scriptOf("greet", { matrix: { models: ["../../x"], vars: { lang: ["en", "/etc"] } } }),
      scriptOf("own", { cassette: "tape", matrix: { vars: { n: [1] } } }),
      scriptOf("plain"),
    ]);
    expect(runs.map(({ script }) => script.cassette)).toEqual([
      "/scripts/greet.model-x.lang-en.cassette.jsonl",
      "/scripts/greet.model-x.lang-etc.cassette.jsonl",
      "/scripts/tape.n-1",
      "/scripts/plain.cassette.jsonl",
    ]);
  });

  test("tells values apart that read alike in the name of a file", async () => {
    const cassettesOf = async (...lang: unknown[]) => {
      const runs = await plan([scriptOf("greet", { matrix: { vars: { lang } } })]);
      return runs.map(({ script }) => script.cassette);
    };
    const long = "x".repeat(80);
    const all = await cassettesOf("日本", "中国", "a b", "a-b", `${long}1`, `${long}2`, "1", 1, "plain");
    expect(new Set(all).size).toBe(9);
    expect(all.slice(0, 2)).toEqual([
      "/scripts/greet.lang-日本.cassette.jsonl",
      "/scripts/greet.lang-中国.cassette.jsonl",
    ]);
    expect(all.at(-1)).toBe("/scripts/greet.lang-plain.cassette.jsonl");
    expect((await cassettesOf("a-b", "a b")).toSorted()).toEqual(all.slice(2, 4).toSorted());
  });

  test("is an error at its script if it has too many runs", async () => {
    const values = Array.from({ length: 10 }, (_, index) => index);
    const vars = Object.fromEntries([..."abcdefghij"].map((name) => [name, values]));
    await expect(plan([scriptOf("vast", { matrix: { vars } })])).rejects.toThrow(
      /vast.*10000000000 runs.*at most 10000/,
    );
  });

  test("gives way to a model from the command line, but its variables stay", async () => {
    const runs = await plan([scriptOf("greet", { matrix })], { model: "c/three" });
    expect(runs.map(({ name, model }) => [name, model])).toEqual([
      ["greet [lang=en, n=1]", "c/three"],
      ["greet [lang=de, n=1]", "c/three"],
    ]);
  });
});

test("repeats are numbered and share a cassette", async () => {
  const runs = await plan([scriptOf("a"), scriptOf("b")], { repeat: 2 });
  expect(runs.map(({ name }) => name)).toEqual(["a #1", "a #2", "b #1", "b #2"]);
  expect(new Set(runs.map(({ script }) => script.cassette)).size).toBe(2);
});

describe("--grep", () => {
  const scripts = [scriptOf("greet", { matrix }), scriptOf("triage")];

  test("keeps the runs whose names match, cells and all", async () => {
    const runs = await plan(scripts, { grep: "^triage$|lang=de" });
    expect(runs.map(({ name }) => name)).toEqual([
      "greet [model=a/one, lang=de, n=1]",
      "greet [model=b/two, lang=de, n=1]",
      "triage",
    ]);
  });

  test.each([
    ["nothing", "no name of the 5 runs contains this text"],
    ["(", "Unterminated group|unbalanced|expecting"],
  ])("%j is an error", async (grep, message) => {
    await expect(plan(scripts, { grep })).rejects.toThrow(new RegExp(message));
  });

  test("a pattern that would backtrack for ever ends", async () => {
    await expect(plan([scriptOf(`${"a".repeat(40)}!`)], { grep: "^(a+)+$" })).rejects.toThrow(/took longer|1000 ms/);
  });
});
