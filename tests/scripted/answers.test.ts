import { describe, expect, test } from "@jest/globals";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";
import { runSteps, verdicts } from "./support.js";

const ask = { permissions: { approval: "ask" } };
const echo = (text: string) => ({ name: "fs__echo", arguments: { text } });
const elicit = (message: string) => ({
  name: "fs.ask",
  args: {
    method: "elicitation/create",
    params: { message, requestedSchema: { type: "object", properties: { n: { type: "number" } } } },
  },
});

describe("answers", () => {
  test("go to the questions of the turn before them, in order", async () => {
    await using llm = await startLlmServer([toolCalls([echo("a"), { ...echo("b"), id: "call_2" }]), answer("done")]);
    const result = await runSteps(
      { ...ask, steps: [{ user: "hi" }, { answer: true }, { answer: false }] },
      { llm: llm.url },
    );
    expect(verdicts(result)).toEqual(["passed", "passed", "passed"]);
    expect(result.steps[0]?.outcome?.calls).toMatchObject([
      { args: { text: "a" }, isDenied: false, isError: false },
      { args: { text: "b" }, isDenied: true, isError: true },
    ]);
  });

  test("that nobody asked for fail", async () => {
    await using llm = await startLlmServer([answer("done")]);
    const result = await runSteps(
      { ...ask, steps: [{ user: "hi" }, { answer: true }, { user: "more" }] },
      { llm: llm.url },
    );
    expect(verdicts(result)).toEqual(["passed", "answer: nothing was asked that this answers", "skipped"]);
  });

  test("to a tool wait for its question", async () => {
    await using llm = await startLlmServer([
      toolCalls([echo("a"), { name: "fs__log", arguments: { level: "info", data: "x" }, id: "call_2" }]),
      answer("done"),
    ]);
    const result = await runSteps(
      { ...ask, steps: [{ user: "hi" }, { answer: true, to: { tool: "fs.log" } }, { answer: false }] },
      { llm: llm.url },
    );
    expect(verdicts(result)).toEqual(["passed", "passed", "passed"]);
    expect(result.steps[0]?.outcome?.calls.map(({ tool, isDenied }) => [tool, isDenied])).toEqual([
      ["echo", true],
      ["log", false],
    ]);
  });

  test("fill in a server's form, with variables, also in a call without a model", async () => {
    const result = await runSteps({
      vars: { n: 7 },
      steps: [
        { tool: elicit("which one?") },
        { answer: true, to: { tool: "fs.*" } },
        { answer: { action: "accept", content: { n: "{{n}}" } }, to: { elicitation: "which" } },
      ],
    });
    expect(verdicts(result)).toEqual(["passed", "passed", "passed"]);
    expect(result.steps[0]?.outcome?.json).toEqual({ action: "accept", content: { n: 7 } });
  });

  test("to another form are left over, and the form is declined", async () => {
    const result = await runSteps({
      permissions: { approval: "auto" },
      steps: [{ tool: elicit("which one?") }, { answer: { action: "accept" }, to: { elicitation: "why" } }],
    });
    expect(verdicts(result)).toEqual(["passed", "answer: nothing was asked that this answers"]);
    expect(result.steps[1]?.error?.hint).toBe("its `to` has to fit a question of the step before");
    expect(result.steps[0]?.outcome?.json).toMatchObject({ action: expect.not.stringMatching("accept") });
  });
});
