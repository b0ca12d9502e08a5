import { describe, expect, test } from "@jest/globals";
import { fixtureServer, script } from "../support/app.js";
import { answer, chunk, failure, startLlmServer, stream, toolCalls } from "../support/llm-server.js";
import { runSteps, ScriptFolder, verdicts } from "./support.js";

const auto = { permissions: { approval: "auto" } };

describe("a user step", () => {
  test("is a turn, and its outcome is what the assertions see", async () => {
    await using llm = await startLlmServer([
      toolCalls([{ name: "fs__echo", arguments: { say: "bug 7" } }]),
      answer("one bug: 7"),
    ]);
    const result = await runSteps(
      {
        ...auto,
        vars: { repo: "acme/app" },
        steps: [{ user: "bugs of {{repo}}?", assert: [{ type: "contains", value: "bug" }] }],
      },
      { llm: llm.url },
    );
    expect(verdicts(result)).toEqual(["passed"]);
    expect(result).toMatchObject({ passed: true, model: "test/m1", usage: { inputTokens: 20, outputTokens: 10 } });
    expect(result.steps[0]?.outcome).toMatchObject({
      output: "one bug: 7",
      stopReason: "end_turn",
      calls: [{ server: "fs", tool: "echo", args: { say: "bug 7" }, isError: false, isDenied: false }],
    });
    expect(llm.requests[0]?.body.messages?.at(-1)).toMatchObject({ content: "bugs of acme/app?" });
  });

  test("fails where an assertion does not hold, and the steps after it are skipped", async () => {
    await using llm = await startLlmServer([answer("nothing")]);
    const result = await runSteps(
      { steps: [{ user: "hi", assert: [{ type: "contains", value: "bug" }] }, { user: "and?" }, { set: { a: 1 } }] },
      { llm: llm.url },
    );
    expect(verdicts(result)).toEqual(["failed: contains", "skipped", "skipped"]);
    expect(result.passed).toBe(false);
    expect(result.error).toBeUndefined();
  });

  test("has the provider's error as its own, unless it says how the turn is to stop", async () => {
    await using llm = await startLlmServer([failure(401), failure(401)]);
    const result = await runSteps(
      {
        steps: [{ user: "hi", assert: [{ type: "stop-reason", value: "error" }] }, { user: "and now?" }],
      },
      { llm: llm.url },
    );
    expect(verdicts(result)).toEqual(["passed", expect.stringMatching(/^auth: /)]);
  });
});

test("the system prompt and the model are those of the script", async () => {
  await using llm = await startLlmServer([answer("aye")]);
  await runSteps({ system: "You are a pirate.", model: "test/m2", steps: [{ user: "hi" }] }, { llm: llm.url });
  expect(llm.requests[0]?.body).toMatchObject({
    model: "m2",
    messages: [{ role: "system", content: expect.stringMatching(/^You are a pirate\./) }, { role: "user" }],
  });
});

describe("a structured answer", () => {
  const output = { json_schema: { type: "object", required: ["title"], properties: { title: { type: "string" } } } };

  test("is asked for behind the message, read out of a code fence and saved from", async () => {
    await using llm = await startLlmServer([answer('Here:\n```json\n{"title": "a bug"}\n```'), answer("ok")]);
    const result = await runSteps(
      { steps: [{ user: "as JSON", output, save: { title: "$.json.title" } }, { user: "say {{title}}" }] },
      { llm: llm.url },
    );
    expect(verdicts(result)).toEqual(["passed", "passed"]);
    expect(result.steps[0]?.outcome?.json).toEqual({ title: "a bug" });
    const [first, second] = llm.requests.map(({ body }) => body.messages ?? []);
    expect(first?.[1]?.content).toMatch(/^as JSON\n.*"required":\["title"\]/s);
    expect(second?.slice(0, 2)).toEqual(first);
    expect(second?.at(-1)?.content).toBe("say a bug");
  });

  test.each([
    ['{"title": 7}', "$.title must be string"],
    ["no idea", "expected JSON, got text"],
  ])("is asked for once more when it is %s, then fails the step with the reason", async (wrong, problem) => {
    await using llm = await startLlmServer([answer("{}"), answer(wrong)]);
    const result = await runSteps({ steps: [{ user: "as JSON", output }] }, { llm: llm.url });
    const asked = "the answer does not fit the requested JSON Schema, also after a second request";
    expect(verdicts(result)).toEqual([`output: test/m1: ${asked}: ${problem} (2 requests)`]);
  });

  test("fails the step when it was cut", async () => {
    const cut = stream([chunk({ content: '{"title": "a' }), chunk({}, "length"), "data: [DONE]\n\n"]);
    await using llm = await startLlmServer([cut]);
    const result = await runSteps({ steps: [{ user: "as JSON", output }] }, { llm: llm.url });
    expect(verdicts(result)).toEqual([expect.stringMatching(/^output: the answer does not fit its json_schema/)]);
  });
});

describe("a tool step", () => {
  test("calls the tool without the model and keeps the types of its arguments", async () => {
    const result = await runSteps({
      ...auto,
      vars: { count: 2 },
      steps: [
        { tool: { name: "fs.echo", args: { n: "{{count}}", text: "n={{count}}" } }, save: { n: "$.json.n" } },
        { tool: { name: "fs__echo", args: { again: "{{n}}" } } },
      ],
    });
    expect(verdicts(result)).toEqual(["passed", "passed"]);
    expect(result.steps[0]?.outcome?.json).toEqual({ n: 2, text: "n=2" });
    expect(result.steps[1]?.outcome).toMatchObject({ output: '{"again":2}', calls: [{ server: "fs", tool: "echo" }] });
  });

  test("fails with the tool's error, unless it is meant to", async () => {
    const result = await runSteps({
      ...auto,
      steps: [{ tool: { name: "fs.oddly" }, assert: [{ type: "tool-error" }] }, { tool: { name: "fs.oddly" } }],
    });
    expect(verdicts(result)).toEqual(["passed", expect.stringMatching(/^tool_error: .*no such table/)]);
  });

  test("is not denied because the server's error says so", async () => {
    const call = { name: "fs.oddly", args: { says: "not run: the user did not allow it" } };
    const result = await runSteps({ ...auto, steps: [{ tool: call, assert: [{ type: "denied" }] }] });
    expect(verdicts(result)).toEqual(["failed: denied"]);
  });

  test("names the nearest tool when no server has the named one", async () => {
    const result = await runSteps({ steps: [{ tool: { name: "fs.ecko" } }] });
    expect(verdicts(result)).toEqual(["not_found: there is no tool fs.ecko (did you mean fs.echo?)"]);
  });

  test("is denied when it needs an answer and the script has none", async () => {
    const result = await runSteps({
      permissions: { approval: "ask" },
      steps: [{ tool: { name: "fs.echo" }, assert: [{ type: "denied" }] }, { tool: { name: "fs.echo" } }],
    });
    expect(verdicts(result)).toEqual(["passed", expect.stringMatching(/^tool_error: not run: the user did not allow/)]);
  });
});

describe("permissions", () => {
  test("allow what they name, and deny outranks all", async () => {
    const result = await runSteps({
      permissions: { approval: "ask", allow: ["fs.*"], deny: ["fs.log"] },
      steps: [{ tool: { name: "fs.echo" } }, { tool: { name: "fs.log" }, assert: [{ type: "denied" }] }],
    });
    expect(verdicts(result)).toEqual(["passed", "passed"]);
  });

  test("hold for the model's calls", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "fs__echo", arguments: {} }]), answer("no")]);
    const result = await runSteps(
      { ...auto, permissions: { deny: ["fs.echo"] }, steps: [{ user: "echo", assert: [{ type: "denied" }] }] },
      { llm: llm.url },
    );
    expect(verdicts(result)).toEqual(["passed"]);
  });
});

describe("a prompt step", () => {
  const mcpServers = { demo: script("dist/demo/mcp-server.js") };

  test("sends a prompt of a server, with its arguments, as a turn", async () => {
    await using llm = await startLlmServer([answer("short")]);
    const step = {
      prompt: { name: "demo.summarize", args: { topic: "{{topic}}" } },
      assert: [{ type: "equals", value: "short" }],
    };
    const result = await runSteps({ mcpServers, vars: { topic: "owls" }, steps: [step] }, { llm: llm.url });
    expect(verdicts(result)).toEqual(["passed"]);
    expect(JSON.stringify(llm.requests[0]?.body.messages?.at(-1))).toContain("owls");
  });

  test("fails with the nearest name when no server has the prompt", async () => {
    const result = await runSteps({ mcpServers, steps: [{ prompt: { name: "demo__sumarize" } }] });
    expect(verdicts(result)).toEqual([expect.stringMatching(/^not_found: .*did you mean demo__summarize/)]);
  });
});

describe("a resource step", () => {
  const mcpServers = { fs: fixtureServer({ resources: [{ uri: "demo://x", name: "x" }] }) };

  test("reads it", async () => {
    const result = await runSteps({
      mcpServers,
      steps: [{ resource: { uri: "demo://x" }, assert: [{ type: "equals", value: "words" }] }],
    });
    expect(verdicts(result)).toEqual(["passed"]);
  });

  const denied = [{ type: "denied", value: "fs.read_resource" }];

  test.each([["fs.*"], ["fs.read_resource"], ["host.read_resource"]])(
    "is not read when the rule %s denies it, and may assert that",
    async (rule) => {
      const step = { resource: { uri: "demo://x" } };
      const steps = [{ ...step, assert: denied }, step];
      const result = await runSteps({ mcpServers, permissions: { deny: [rule] }, steps });
      expect(verdicts(result)).toEqual([
        "passed",
        expect.stringMatching(/^tool_error: not read: fs__read_resource is denied/),
      ]);
      expect(result.steps[0]?.outcome?.output).not.toContain("words");
    },
  );

  test("needs an answer when a rule asks about it", async () => {
    const config = { chat: { service: { permissions: { ask: ["fs.read_resource"] } } } };
    const step = { resource: { uri: "demo://x" } };
    const steps = [{ ...step, assert: denied }, step, { answer: true, to: { tool: "fs.read_resource" } }];
    const result = await runSteps({ mcpServers, config, steps });
    expect(verdicts(result)).toEqual(["passed", "passed", "passed"]);
    expect(result.steps.map(({ outcome }) => outcome?.output)).toContain("words");
  });

  test("fails when no server offers the resource", async () => {
    const result = await runSteps({ mcpServers, steps: [{ resource: { uri: "other://x" } }] });
    expect(verdicts(result)).toEqual(["not_found: no MCP server offers the resource other://x"]);
  });
});

describe("set", () => {
  test("gives variables values of any type", async () => {
    const result = await runSteps({
      ...auto,
      steps: [
        { set: { one: { list: [1, { b: true }] } } },
        { set: { two: "{{one.list[1]}}" } },
        { tool: { name: "fs.echo", args: { two: "{{two}}" } } },
      ],
    });
    expect(result.steps.at(-1)?.outcome?.json).toEqual({ two: { b: true } });
  });

  test("from an unknown variable fails at its line, with the nearest one", async () => {
    const result = await runSteps({ vars: { repo: 1 }, steps: [{ set: { a: "{{repos}}" } }] });
    expect(verdicts(result)).toEqual([
      expect.stringMatching(/^template: a\.session\.yaml:\d+: there is no variable "repos" \(did you mean repo\?\)$/),
    ]);
  });
});

describe("save", () => {
  test("of what is not there fails", async () => {
    const result = await runSteps({ ...auto, steps: [{ tool: { name: "fs.echo" }, save: { a: "$.json.nothing" } }] });
    expect(verdicts(result)).toEqual(["save: there is nothing at $.json.nothing: $.json is an object without keys"]);
  });
});

describe("if", () => {
  const echo = (text: string) => ({ tool: { name: "fs.echo", args: { text } } });
  const keys = ["if", "then", "else"];
  const branches = (...values: [condition: string, ...unknown[][]]) =>
    Object.fromEntries(values.map((value, index) => [keys[index], value]));

  test.each([
    ["{{flag}}", true, ["passed", "skipped"]],
    ["{{flag}}", 0, ["skipped", "passed"]],
    ["{{flag}} > 3", 4, ["passed", "skipped"]],
    ["flag.length === 2", "ab", ["passed", "skipped"]],
  ])("%s with %j takes the right branch", async (condition, flag, expected) => {
    const result = await runSteps({
      ...auto,
      vars: { flag },
      steps: [branches(condition, [echo("a")], [echo("b")])],
    });
    expect(verdicts(result)).toEqual(expected);
  });

  test("beside a step is its condition, and that of its answers", async () => {
    const result = await runSteps({
      vars: { flag: false },
      steps: [{ ...echo("a"), if: "{{flag}}" }, { answer: true }, { set: { a: 1 } }],
    });
    expect(verdicts(result)).toEqual(["skipped", "skipped", "passed"]);
  });

  test("fails when its expression is invalid", async () => {
    const result = await runSteps({ steps: [branches("nobody > 1", [echo("a")]), { set: { a: 1 } }] });
    expect(verdicts(result)).toEqual([
      expect.stringMatching(/^condition: a\.session\.yaml:\d+: nobody > 1: /),
      "skipped",
    ]);
  });
});

describe("repeat", () => {
  test("does its steps so many times, with the index", async () => {
    const result = await runSteps({
      ...auto,
      steps: [{ repeat: { times: 3, steps: [{ tool: { name: "fs.echo", args: { i: "{{index}}" } } }] } }],
    });
    expect(result.steps.map(({ outcome }) => outcome?.output)).toEqual(['{"i":0}', '{"i":1}', '{"i":2}']);
  });

  test("until its condition holds", async () => {
    const result = await runSteps({
      steps: [{ repeat: { until: "index === 1", max: 5, steps: [{ set: { a: "{{index}}" } }] } }],
    });
    expect(verdicts(result)).toEqual(["passed", "passed"]);
  });

  test("fails when it never does", async () => {
    const result = await runSteps({ steps: [{ repeat: { until: "index > 9", max: 2, steps: [{ set: { a: 1 } }] } }] });
    expect(verdicts(result)).toEqual([
      "passed",
      "passed",
      "repeat: the condition is still false after 2 rounds: index > 9",
    ]);
  });
});

describe("parallel", () => {
  test("runs its turns at the same time, each in a conversation of its own", async () => {
    await using llm = await startLlmServer((request) => answer(`to ${request.body.messages?.at(-1)?.content}`));
    const result = await runSteps(
      { steps: [{ user: "first" }, { parallel: [{ user: "a" }, { user: "b" }] }, { user: "last" }] },
      { llm: llm.url },
    );
    expect(result.steps.map(({ outcome }) => outcome?.output)).toEqual(["to first", "to a", "to b", "to last"]);
    const users = llm.requests.map(({ body }) => body.messages?.filter(({ role }) => role === "user").length);
    expect(users.sort()).toEqual([1, 1, 1, 2]);
    const names = result.transcript
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).conversation);
    expect([...new Set(names)]).toEqual(["main", "main/1", "main/2"]);
  });

  test("ends what runs beside a failed step, and skips what comes after", async () => {
    const result = await runSteps({
      ...auto,
      steps: [{ parallel: [{ tool: { name: "fs.oddly" } }, { tool: { name: "fs.echo" } }] }, { set: { a: 1 } }],
    });
    expect(verdicts(result)).toEqual([expect.stringMatching(/^tool_error/), "passed", "skipped"]);
  });
});

describe("conversation", () => {
  test("goes on in another one, and back", async () => {
    await using llm = await startLlmServer((request) => answer(`${request.body.messages?.length}`));
    const result = await runSteps(
      {
        system: "s",
        steps: [{ user: "1" }, { conversation: "other" }, { user: "2" }, { conversation: "main" }, { user: "3" }],
      },
      { llm: llm.url },
    );
    const lengths = result.steps.filter(({ kind }) => kind === "user").map(({ outcome }) => Number(outcome?.output));
    expect(lengths).toEqual([2, 2, 4]);
  });

  test("by an unknown variable fails", async () => {
    const result = await runSteps({ steps: [{ conversation: "{{who}}" }] });
    expect(verdicts(result)).toEqual([expect.stringMatching(/^template: /)]);
  });
});

describe("include", () => {
  test("does the steps of another file here, with values of its own", async () => {
    using folder = new ScriptFolder();
    folder.write("part.session.yaml", {
      vars: { who: "nobody", mark: "!" },
      steps: [{ tool: { name: "fs.echo", args: { hi: "{{who}}{{mark}}" } }, save: { said: "$.json.hi" } }],
    });
    folder.write("a.session.yaml", {
      ...auto,
      mcpServers: { fs: fixtureServer() },
      steps: [
        { include: "part.session.yaml", with: { who: "you" } },
        { tool: { name: "fs.echo", args: { said: "{{said}}" } } },
      ],
    });
    const result = await folder.run("a.session.yaml");
    expect(result.steps.map(({ outcome }) => outcome?.json)).toEqual([{ hi: "you!" }, { said: "you!" }]);
    expect(result.steps.map(({ position }) => position.file)).toEqual(["part.session.yaml", "a.session.yaml"]);
  });

  test("fails where a step of it does", async () => {
    using folder = new ScriptFolder();
    folder.write("part.session.yaml", { steps: [{ set: { a: "{{nobody}}" } }] });
    folder.write("a.session.yaml", { mcpServers: {}, steps: [{ include: "part.session.yaml" }, { set: { b: 1 } }] });
    expect(verdicts(await folder.run("a.session.yaml"))).toEqual([
      expect.stringMatching(/^template: part\.session\.yaml:2: /),
      "skipped",
    ]);
  });
});
