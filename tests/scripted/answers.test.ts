import { describe, expect, test } from "@jest/globals";
import { fixtureServer } from "../support/app.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";
import { runSteps, ScriptFolder, verdicts } from "./support.js";

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

  test("fail if nobody asked for them", async () => {
    await using llm = await startLlmServer([answer("done")]);
    const result = await runSteps(
      { ...ask, steps: [{ user: "hi" }, { answer: true }, { user: "more" }] },
      { llm: llm.url },
    );
    expect(verdicts(result)).toEqual(["passed", "answer: no question was asked that this answers", "skipped"]);
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
    expect(verdicts(result)).toEqual(["passed", "answer: no question was asked that this answers"]);
    expect(result.steps[1]?.error?.hint).toBe("its `to` must match a question of the step before");
    expect(result.steps[0]?.outcome?.json).toMatchObject({ action: expect.not.stringMatching("accept") });
  });
});

describe("an answer that does not fit its question fails with what is wrong, and what comes after it is skipped", () => {
  const requestedSchema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
  const ask = (params: object) => ({ tool: { name: "fs.ask", args: { method: "elicitation/create", params } } });
  const asked = { form: ask({ message: "your name?", requestedSchema }), approval: { tool: { name: "fs.echo" } } };
  const page = ask({ message: "log in", mode: "url", url: "https://a.test/" });
  const accept = (content: object) => ({ action: "accept", content });
  const run = (step: object, value: unknown) => {
    const permissions = { approval: "ask", allow: ["fs.ask"] };
    return runSteps({ permissions, steps: [step, { answer: value }, { answer: accept({ name: "Bo" }) }] });
  };
  const fitsForm = 'this does not answer the form "your name?": ';

  test.each([
    [accept({ nmae: "Bo" }), `${fitsForm}the arguments must have \`name\``],
    [accept({ name: 5 }), `${fitsForm}\`name\` must be string, got 5`],
    [{ action: "accept" }, `${fitsForm}the arguments must have \`name\``],
    [true, `${fitsForm}expected {"action": "accept", "decline" or "cancel", "content": …}`],
    ["y", `${fitsForm}expected {"action": "accept", "decline" or "cancel", "content": …}`],
  ])("%j for a form", async (value, message) => {
    const result = await run(asked.form, value);
    expect(verdicts(result).slice(1)).toEqual([`answer: ${message}`, "skipped"]);
    expect(result.passed).toBe(false);
    expect(result.steps[0]?.outcome?.json).toEqual({ action: "decline" });
  });

  test.each([
    [accept({}), "expected true, false or"],
    [{ action: "accept" }, "expected true, false or"],
    ["y", "expected true, false or"],
    [{ allow: true, remember: "forever" }, '"remember" must be one of'],
  ])("%j for an approval", async (value, message) => {
    const result = await run(asked.approval, value);
    const said = `answer: this does not answer the question whether fs.echo may run: ${message}`;
    expect(verdicts(result).slice(1)).toEqual([expect.stringContaining(said), "skipped"]);
    expect(result.steps[0]?.outcome?.calls).toMatchObject([{ isDenied: true }]);
  });

  test("true for a page", async () => {
    const said = 'answer: this does not answer the page "log in": expected {"action": "accept"';
    expect(verdicts(await run(page, true))[1]).toEqual(expect.stringContaining(said));
  });

  test.each([
    ["form", false],
    ["form", "n"],
    ["form", { action: "decline" }],
    ["form", { action: "cancel" }],
    ["form", { allow: false }],
    ["approval", false],
    ["approval", "n"],
    ["approval", { allow: false, message: "later" }],
    ["approval", { action: "decline" }],
  ] as const)("but a no of any kind is an answer to a question of any kind (%s: %j)", async (kind, value) => {
    const step = { ...asked[kind], ...(kind === "approval" && { assert: [{ type: "denied" }] }) };
    const result = await runSteps({
      permissions: { approval: "ask", allow: ["fs.ask"] },
      steps: [step, { answer: value }],
    });
    expect(verdicts(result)).toEqual(["passed", "passed"]);
  });

  test("in a turn: live, recorded and replayed", async () => {
    using folder = new ScriptFolder();
    const { args } = asked.form.tool;
    folder.write("a.session.yaml", {
      permissions: { allow: ["fs.ask"] },
      mcpServers: { fs: fixtureServer() },
      steps: [{ user: "hi" }, { answer: accept({ nmae: "Bo" }) }],
    });
    for (const cassette of ["auto", "record", "replay"] as const) {
      await using llm = await startLlmServer(({ body }) =>
        body.messages?.at(-1)?.role === "tool" ? answer("done") : toolCalls([{ name: "fs__ask", arguments: args }]),
      );
      const result = await folder.run("a.session.yaml", { llm: llm.url, cassette });
      expect(verdicts(result)).toEqual(["passed", `answer: ${fitsForm}the arguments must have \`name\``]);
    }
  });
});
