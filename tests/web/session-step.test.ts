import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { load } from "js-yaml";
import { readScript } from "../../src/scripted/reading/read-script.js";
import type { ScriptPosition } from "../../src/scripted/shared/script-position.js";
import { render } from "../../src/scripted/shared/templates.js";
import { Variables } from "../../src/scripted/shared/variables.js";
import { serverTool, toolStep, userStep } from "../../src/web/trace/session-step.js";
import { ScriptFolder } from "../scripted/support.js";
import { runs } from "../support/runs.js";

/** Returns the only step of a session file with this text, as the reader parses it. */
function read(step: string | undefined) {
  using folder = new ScriptFolder();
  folder.write("a.session.yaml", `steps:\n${step}`);
  return readScript("a.session.yaml", folder.path).steps[0];
}

const position: ScriptPosition = { file: "a", line: 1 };
const filled = <Value>(value: Value) => render(value, new Variables({}), position);

describe("a step that was copied from a trace", () => {
  test("is a message of the user, or a call of a tool", () => {
    expect(userStep("List the bugs")).toBe('- user: "List the bugs"\n');
    expect(read(userStep("List the bugs"))).toMatchObject({ kind: "user", text: "List the bugs" });
    const step = toolStep({ server: "github", tool: "get_issue" }, '{"number":1,"deep":{"a":[true,null]}}');
    expect(step).toBe('- tool: { name: "github.get_issue", args: {"number":1,"deep":{"a":[true,null]}} }\n');
    expect(read(step)).toMatchObject({
      kind: "tool",
      tool: "github.get_issue",
      args: { number: 1, deep: { a: [true, null] } },
    });
  });

  test.each([
    "{{name}}",
    "\\{{x}}",
    "a: b # c",
    "- ${HOME}",
    "\u0000\u001b[2J\u0085\u2028\ufeff",
    "\ud800",
    "|\n  x\n",
  ])("says %j, whatever YAML or templates make of it", (text) => {
    const step = read(userStep(text)) as { text: string };
    expect(filled(step.text)).toBe(text);
  });

  test("says any arguments", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (args) => {
        const given = JSON.parse(JSON.stringify(args));
        const step = toolStep({ server: "s", tool: "t" }, JSON.stringify(given)) ?? "";
        const [read] = load(step) as [{ tool: { args: object } }];
        expect(filled(read.tool.args)).toEqual(given);
      }),
      { numRuns: runs(300) },
    );
  });

  test("does not exist where there is nothing to repeat", () => {
    expect(userStep("")).toBeUndefined();
    for (const written of ["", "{", "[1]", "null", '"x"'])
      expect(toolStep({ server: "s", tool: "t" }, written)).toBeUndefined();
  });

  test("names the tool as its server does", () => {
    const approval = {
      question_id: "q",
      kind: "approval",
      call_id: "c",
      server: "s",
      tool: "a.b",
      arguments: "{}",
      reason: "",
    } as const;
    expect(serverTool("s__a_b", approval)).toEqual({ server: "s", tool: "a.b" });
    expect(serverTool("s__read__all", undefined)).toEqual({ server: "s", tool: "read__all" });
    expect(serverTool("invented", undefined)).toBeUndefined();
    expect(serverTool("host__read_result", undefined)).toBeUndefined();
  });
});
