import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { asExpression, isTemplate, render, renderText, templateProblem } from "../../src/scripted/shared/templates.js";
import { Variables } from "../../src/scripted/shared/variables.js";
import { holds } from "../../src/scripted/step-runner.js";

const position = { file: "a.session.yaml", line: 7 };
const fill = (value: unknown, variables: Record<string, unknown>) => render(value, new Variables(variables), position);

const names = fc.stringMatching(/^[A-Za-z_]\w{0,8}$/);

describe("templates", () => {
  test("keep the type of the value, whatever it is, when they are the whole text", () => {
    fc.assert(
      fc.property(names, fc.jsonValue(), (name, value) => {
        expect(fill(`{{${name}}}`, { [name]: value })).toEqual(value);
        expect(fill({ a: [`{{ ${name} }}`] }, { [name]: value })).toEqual({ a: [value] });
      }),
    );
  });

  test("leave every text as it is that has no {{", () => {
    const plain = fc.string().filter((text) => !text.includes("{{"));
    fc.assert(fc.property(plain, (text) => expect(fill(text, {})).toBe(text)));
  });

  test("put any text in its place, without looking into it", () => {
    const plain = fc.string().filter((text) => !/[{}\\]/.test(text));
    fc.assert(
      fc.property(plain, fc.string(), plain, (before, value, after) => {
        expect(renderText(`${before}{{v}}${after}`, new Variables({ v: value }), position)).toBe(
          before + value + after,
        );
      }),
    );
  });

  test("give any text back that was escaped", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const open = text.replaceAll(/[\\{]/g, "{{");
        expect(fill(open.replaceAll("{{", "\\{{"), {})).toBe(open);
      }),
    );
  });

  test("lead into lists and mappings", () => {
    const issue = { tags: [{ name: "bug" }], count: 2 };
    expect(fill("{{issue.tags[0].name}}: {{issue.count}} of {{issue.tags}}", { issue })).toBe(
      'bug: 2 of [{"name":"bug"}]',
    );
  });

  test.each([
    ["{{repos}}", 'there is no variable "repos" (did you mean repo?)'],
    ["{{x}}", 'there is no variable "x" (known: repo, issue)'],
    ["{{issue.cout}}", '{{issue.cout}}: there is no "cout" (did you mean count?)'],
    ["{{issue.tags[3]}}", '{{issue.tags[3]}}: there is no "3" (it has 1)'],
    ["{{repo.length.x}}", '{{repo.length.x}}: there is no "x"'],
    ["{{issue.constructor}}", '{{issue.constructor}}: there is no "constructor" (known: tags, count)'],
  ])("%s says where and what there is", (text, message) => {
    const values = { repo: "r", issue: { tags: ["bug"], count: 2 } };
    expect(() => fill(text, values)).toThrow(`a.session.yaml:7: ${message}`);
  });

  test.each(["{{", "a {{b", "{{a b}}", "{{}}", "{{a.}}", "{{a[x]}}", "{{1a}}", "{{a}} {{"])(
    "are refused when they are invalid: %j",
    (text) => {
      expect(templateProblem(text)).toBeDefined();
    },
  );

  test("in an expression are the variables that they name", () => {
    expect(asExpression("{{a.b[0]}} > 1 && c")).toBe(`(a["b"]["0"]) > 1 && c`);
    expect([isTemplate(" {{a}} "), isTemplate("{{a}} > 1"), isTemplate("a")]).toEqual([true, false, false]);
  });
});

test("an expression leads into lists as texts do", async () => {
  const variables = new Variables({ a: [{ "0b": 3 }] });
  const position = { file: "a.session.yaml", line: 1 };
  expect(await holds("{{a.0.0b}} === 3 && {{a[0].0b}} === 3", { variables, position })).toBe(true);
});

describe("variables", () => {
  test("inside hide those outside, and new ones are of the whole script", () => {
    const outside = new Variables({ a: 1, b: 1 });
    const inside = outside.inside({ a: 2 });
    inside.set("a", 3);
    inside.set("b", 4);
    inside.set("c", 5);
    expect(inside.all()).toEqual({ a: 3, b: 4, c: 5 });
    expect(outside.all()).toEqual({ a: 1, b: 4, c: 5 });
  });
});
