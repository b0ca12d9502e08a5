import { describe, expect, test } from "@jest/globals";
import type { StoredEvent } from "../../src/core/events.js";
import type { ScriptResult } from "../../src/scripted/shared/script-result.js";
import { fixtureServer } from "../support/app.js";
import { runSteps, ScriptFolder, verdicts } from "./support.js";

const auto = { permissions: { approval: "auto" } };

/** Runs the steps with a scripted model. No other model can be reached, so every answer comes from the script. */
function run(scripted: unknown[], steps: unknown[], more: object = {}): Promise<ScriptResult> {
  return runSteps({ model: "scripted", ...auto, scripted, steps, ...more });
}

function eventsOf({ steps }: ScriptResult): StoredEvent[] {
  return steps.flatMap(({ outcome }) => [...(outcome?.events ?? [])]);
}

function outputs({ steps }: ScriptResult): (string | undefined)[] {
  return steps.map(({ outcome }) => outcome?.output);
}

describe("the scripted model", () => {
  test("answers in order, streamed and whole, with reasoning and with what it used", async () => {
    const scripted = [
      { reasoning: "hm", reply: "one {{who}}" },
      { reply: "two", usage: { input_tokens: 7, output_tokens: 3 } },
    ];
    const steps = [{ user: "first" }, { user: "second" }];
    for (const streaming of [true, false]) {
      const config = { chat: { service: { streaming: { enabled: streaming } } } };
      const result = await run(scripted, steps, { vars: { who: "ünïcode 😀" }, config });
      expect(verdicts(result)).toEqual(["passed", "passed"]);
      expect(outputs(result)).toEqual(["one ünïcode 😀", "two"]);
      expect(result.model).toBe("scripted/scripted");
      const answers = eventsOf(result).filter((event) => event.type === "assistant_message");
      expect(answers).toMatchObject([{ message: { reasoning: "hm" } }, { usage: { inputTokens: 7, outputTokens: 3 } }]);
      expect(answers[0]).toMatchObject({ usage: { outputTokens: expect.any(Number) }, finishReason: "stop" });
      expect(result.costUsd).toBe(0);
    }
  });

  test("calls several tools at once, by the names of the servers, to the same transcript every time", async () => {
    const scripted = [
      {
        reply: "both",
        tool_calls: [
          { name: "fs.echo", arguments: { n: "{{n}}" } },
          { name: "fs__log", arguments: { level: "info", data: "x" } },
        ],
      },
      { reply: "done" },
    ];
    const steps = [
      { user: "go", assert: [{ type: "trajectory:tool-args-match", value: { name: "fs.echo", args: { n: 5 } } }] },
    ];
    const first = await run(scripted, steps, { vars: { n: 5 } });
    expect(verdicts(first)).toEqual(["passed"]);
    expect(first.steps[0]?.outcome?.calls).toMatchObject([{ tool: "echo", text: '{"n":5}' }, { tool: "log" }]);
    const ids = eventsOf(first).flatMap((event) => (event.type === "tool_call" ? [event.call.id] : []));
    expect(ids).toEqual(["call_1_1", "call_1_2"]);
    expect((await run(scripted, steps, { vars: { n: 5 } })).transcript).toBe(first.transcript);
  });

  test("may write invalid JSON as arguments, and name a tool that does not exist", async () => {
    const scripted = [
      { tool_calls: [{ name: "fs.echo", arguments: '{"n":' }, { name: "nothing_like_it" }] },
      { reply: "sorry" },
    ];
    const result = await run(scripted, [{ user: "go", assert: [{ type: "tool-error" }] }]);
    expect(verdicts(result)).toEqual(["passed"]);
    expect(result.steps[0]?.outcome?.calls.map(({ isError }) => isError)).toEqual([true, true]);
  });

  test("answers what was said, before what is next in line", async () => {
    const scripted = [
      { reply: "next in line" },
      { when: { contains: "blue" }, reply: "sky" },
      { when: { icontains: "GREEN" }, reply: "grass", times: 2 },
      { when: { regex: "^r.d$" }, reply: "rose" },
      { when: { step: "by name" }, reply: "named" },
    ];
    const texts = ["red", "so blue", "Green", "green", "grey"];
    const steps = [...texts.map((user) => ({ user })), { user: "anything", name: "by name" }];
    const result = await run(scripted, steps);
    expect(outputs(result)).toEqual(["rose", "sky", "grass", "grass", "next in line", "named"]);
    expect(result.passed).toBe(true);
  });

  test("answers a tool's result, any number of times", async () => {
    const scripted = [
      { when: { tool_result: "fs.ec*", contains: "deep" }, reply: "heard it" },
      { when: { tool_result: "fs.echo" }, reply: "heard something", repeat: true },
      { tool_calls: [{ name: "fs.echo", arguments: { a: "deep" } }] },
      { tool_calls: [{ name: "fs.echo", arguments: { a: "high" } }], repeat: true },
    ];
    const result = await run(scripted, [{ user: "deep" }, { user: "x" }, { user: "y" }]);
    expect(outputs(result)).toEqual(["heard it", "heard something", "heard something"]);
  });

  test("knows which of several steps at once is asking", async () => {
    const names = ["a", "b", "c", "d"];
    const scripted = names.flatMap((step) => [
      {
        when: { step, contains: "go" },
        tool_calls: [{ name: "fs.echo", arguments: { step } }],
        delay: step < "c" ? 30 : 0,
      },
      { when: { step, tool_result: "fs.echo" }, reply: `I am ${step}` },
    ]);
    const result = await run(scripted, [{ parallel: names.map((name) => ({ name, user: "go" })) }]);
    expect(outputs(result)).toEqual(names.map((name) => `I am ${name}`));
    expect(result.passed).toBe(true);
  });

  test("answers a server that asks for its words", async () => {
    const params = { messages: [{ role: "user", content: { type: "text", text: "a word" } }], maxTokens: 9 };
    const scripted = [{ when: { contains: "a word" }, reply: "word" }];
    const steps = [{ tool: { name: "fs.ask", args: { method: "sampling/createMessage", params } } }];
    const mcpServers = { fs: fixtureServer({}, { sampling: "allow" }) };
    const result = await run(scripted, steps, { mcpServers });
    expect(verdicts(result)).toEqual(["passed"]);
    expect(result.steps[0]?.outcome?.json).toMatchObject({ content: { text: "word" } });
  });

  test("ends as it is told to", async () => {
    const scripted = [
      { reply: "half a", finish: "length" },
      { reply: "no", finish: "content_filter" },
    ];
    const steps = [
      { user: "x", assert: [{ type: "stop-reason", value: "max_tokens" }] },
      { user: "y", assert: [{ type: "stop-reason", value: "refusal" }] },
    ];
    expect(verdicts(await run(scripted, steps))).toEqual(["passed", "passed"]);
  });
});

describe("errors of the scripted model are those of a provider", () => {
  test("some are retried, at once or after the time that they give", async () => {
    const scripted = [
      { error: 429, retry_after: 1 },
      { error: 503, message: "overloaded" },
      { error: "reset" },
      { reply: "there" },
    ];
    const result = await run(scripted, [{ user: "x" }]);
    expect(outputs(result)).toEqual(["there"]);
    expect(eventsOf(result).find((event) => event.type === "assistant_message")).toMatchObject({ attempts: 4 });
  });

  test("some end the turn", async () => {
    const message = "this model's maximum context length is 8 tokens";
    const scripted = [{ error: 401 }, { error: 400, message, code: "context_length_exceeded" }];
    const result = await run(scripted, [
      { user: "x", assert: [{ type: "stop-reason", value: "error" }] },
      { user: "y" },
    ]);
    expect(verdicts(result)).toEqual(["passed", expect.stringMatching(/^context_length: /)]);
  });

  test("a cut breaks an answer off in its middle, and the turn asks again", async () => {
    const reply = "a text of some length";
    const result = await run([{ reply, cut: 6 }, { reply }], [{ user: "x" }]);
    expect(outputs(result)).toEqual([reply]);
    expect(eventsOf(result).find((event) => event.type === "assistant_message")).toMatchObject({ attempts: 2 });
  });

  test("a stall in the middle of an answer ends by the idle timeout, and the turn asks again", async () => {
    const config = { llm: { http: { idle_timeout: 0.05 } } };
    const result = await run([{ reply: "a text", stall: 3 }, { reply: "all" }], [{ user: "x" }], { config });
    expect(outputs(result)).toEqual(["all"]);
  });
});

describe("a run of the scripted model fails", () => {
  test("at a request that no reply is for, with the request and the replies that are left", async () => {
    using folder = new ScriptFolder();
    folder.write(
      "a.session.yaml",
      [
        "model: scripted",
        "mcpServers: {}",
        "scripted:",
        "  - reply: one",
        "  - { when: { contains: blue }, reply: two }",
        "steps: [{ user: red }, { user: green }, { user: blue }]",
      ].join("\n"),
    );
    const result = await folder.run("a.session.yaml");
    expect(verdicts(result)).toEqual(["passed", expect.stringMatching(/^scripted: /), "skipped"]);
    expect(result.steps[1]?.error?.message).toBe(
      [
        "the script has no reply for request 2 to the model:",
        '  user: "red"',
        '  assistant: "one"',
        '  user: "green"',
        "left are",
        '  a.session.yaml:5: when {"contains":"blue"}, "two"',
      ].join("\n"),
    );
    expect(result.error).toBeUndefined();
  });

  test("at a script without replies, with where they belong", async () => {
    const result = await runSteps({ ...auto, steps: [{ user: "x" }] }, { model: "scripted" });
    const where = /request 1 to the model:\n {2}user: "x"\nthe file has no replies under `scripted`$/;
    expect(result.steps[0]?.error?.message).toMatch(where);
  });

  test("even if an assertion expects an error", async () => {
    const result = await run(
      [{ when: { contains: "y" }, reply: "" }],
      [{ user: "x", assert: [{ type: "stop-reason", value: "error" }] }],
    );
    expect(verdicts(result)).toEqual([expect.stringMatching(/^scripted: the script has no reply for request 1/)]);
  });

  test("at a reply that nobody asked for, with its position", async () => {
    using folder = new ScriptFolder();
    const scripted = [
      "scripted:",
      "  - reply: one",
      "  - { reply: two, times: 2 }",
      "  - { error: 500, when: { contains: z } }",
    ];
    folder.write(
      "a.session.yaml",
      ["model: scripted", "mcpServers: {}", ...scripted, "steps: [{ user: x }, { user: y }]"].join("\n"),
    );
    const result = await folder.run("a.session.yaml");
    expect(verdicts(result)).toEqual(["passed", "passed"]);
    expect(result.passed).toBe(false);
    expect(result.error).toMatchObject({
      kind: "scripted",
      message: [
        'a.session.yaml:5: the model was not asked for this reply more than 1 of 2 times ("two")',
        'a.session.yaml:6: the model was not asked for this reply (when {"contains":"z"}, error 500)',
      ].join("\n"),
    });
  });

  test("at a tool that no server has", async () => {
    const result = await run([{ tool_calls: [{ name: "fs.ecko" }] }], [{ user: "x" }]);
    expect(result.steps[0]?.error?.message).toMatch(/there is no tool fs\.ecko \(did you mean fs\.echo\?\)$/);
  });

  test("at a variable that does not exist", async () => {
    const result = await run([{ reply: "{{nobody}}" }], [{ user: "x" }]);
    expect(result.steps[0]?.error?.message).toMatch(/there is no variable "nobody"$/);
  });

  test("if the script has no scripted model", async () => {
    const config = { llm: { active: "scripted" } };
    const result = await runSteps({ config, steps: [{ user: "x" }] });
    expect(result.error).toMatchObject({
      message: 'unknown provider "scripted"',
      hint: expect.stringMatching(/session files/),
    });
  });
});

describe("the scripted model goes together", () => {
  test("with recorded servers, which are not there any more", async () => {
    using folder = new ScriptFolder();
    const script = {
      model: "scripted",
      ...auto,
      scripted: [{ tool_calls: [{ name: "fs.echo", arguments: { a: 1 } }] }, { reply: "done" }],
      steps: [{ user: "go" }],
    };
    folder.write("a.session.yaml", { ...script, mcpServers: { fs: fixtureServer() } });
    const recorded = await folder.run("a.session.yaml", { cassette: "record" });
    expect(verdicts(recorded)).toEqual(["passed"]);
    folder.write("a.session.yaml", { ...script, mcpServers: { fs: { command: "/nowhere/at-all" } } });
    const played = await folder.run("a.session.yaml", { cassette: "replay" });
    expect(verdicts(played)).toEqual(["passed"]);
    expect(played.transcript).toBe(recorded.transcript);
  });

  test("with any script, in place of its model", async () => {
    const script = { scripted: [{ reply: "hello" }], steps: [{ user: "x" }], mcpServers: {} };
    expect((await runSteps({ ...script, model: "test/m1" }, { model: "scripted" })).passed).toBe(true);
  });

  test("with a judge, who is the model of the script", async () => {
    const scripted = [
      { reply: "blue" },
      { when: { contains: "blue" }, reply: '{"pass": true, "score": 1, "reason": "it is"}' },
    ];
    const steps = [{ user: "colour?", assert: [{ type: "llm-rubric", value: "names a colour" }] }];
    expect(verdicts(await run(scripted, steps))).toEqual(["passed"]);
  });
});
