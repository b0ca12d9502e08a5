import { describe, expect, test } from "@jest/globals";
import { fixtureServer } from "../support/app.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";
import { runSteps, verdicts } from "./support.js";

const auto = { permissions: { approval: "auto" } };
const echo = toolCalls([{ name: "fs__echo", arguments: {} }]);

describe("limits of the whole script", () => {
  test("turns: the one too many is not begun, and the script says why it ended", async () => {
    await using llm = await startLlmServer([answer("1"), answer("2")]);
    const result = await runSteps(
      { limits: { turns: 2 }, steps: [{ user: "a" }, { user: "b" }, { user: "c" }, { user: "d" }] },
      { llm: llm.url },
    );
    expect(verdicts(result)).toEqual([
      "passed",
      "passed",
      "limit: limits.turns: the script reached its limit of 2 turns",
      "skipped",
    ]);
    expect(result.error).toMatchObject({ kind: "limit" });
  });

  test("tokens: over all turns", async () => {
    await using llm = await startLlmServer([answer("1", { usage: { prompt_tokens: 900, completion_tokens: 100 } })]);
    const result = await runSteps(
      { limits: { tokens: 1000 }, steps: [{ repeat: { times: 2, steps: [{ user: "a" }] } }] },
      { llm: llm.url },
    );
    expect(verdicts(result)).toEqual(["passed", "limit: limits.tokens: the script has used 1000 of its 1000 tokens"]);
  });

  test("tokens: within a turn, and no answer allows more", async () => {
    const usage = { prompt_tokens: 3000, completion_tokens: 100 };
    await using llm = await startLlmServer((request) =>
      request.body.tool_choice !== "none"
        ? toolCalls([{ name: "fs__echo", arguments: {} }], { usage })
        : answer("so far", { usage }),
    );
    const result = await runSteps(
      { ...auto, limits: { tokens: 4000 }, steps: [{ user: "a" }, { answer: true }] },
      { llm: llm.url },
    );
    expect(verdicts(result)[0]).toBe("limit: limits.tokens: the turn needs more than the rest of the limit");
  });

  test("tokens and usd: those of a judge count, and end the script before it is asked", async () => {
    const usage = { prompt_tokens: 3000, completion_tokens: 1000 };
    await using llm = await startLlmServer(({ body }) =>
      answer(String(body.messages?.at(-1)?.content).includes("rubric") ? verdict : "hi", { usage }),
    );
    const verdict = '{"pass": true, "score": 1, "reason": "it is"}';
    const config = { llm: { prices: { "test/m1": { input: 1000, output: 1000 } } } };
    const user = { user: "a", assert: [{ type: "llm-rubric", value: "polite" }] };
    const run = (limits: object) => runSteps({ config, limits, steps: [user, user] }, { llm: llm.url });
    const whole = await run({});
    expect(whole).toMatchObject({ passed: true, usage: { inputTokens: 12_000, outputTokens: 4000 } });
    expect(whole.costUsd).toBeCloseTo(16);
    expect(verdicts(await run({ tokens: 8000 }))).toEqual([
      "passed",
      "limit: limits.tokens: the script has used 8000 of its 8000 tokens",
    ]);
    const inJudge = await run({ usd: 4 });
    expect(verdicts(inJudge)).toEqual(["limit: limits.usd: $4 of $4 are spent", "skipped"]);
    expect(inJudge.error?.kind).toBe("limit");
  });

  test("usd: where the price is known", async () => {
    await using llm = await startLlmServer([answer("1", { usage: { prompt_tokens: 900, completion_tokens: 100 } })]);
    const config = { llm: { prices: { "test/m1": { input: 1000, output: 1000 } } } };
    const result = await runSteps(
      { config, limits: { usd: 1 }, steps: [{ user: "a" }, { user: "b" }] },
      { llm: llm.url },
    );
    expect(verdicts(result)).toEqual(["passed", "limit: limits.usd: $1 of $1 are spent"]);
  });

  test("hops: fails the step, unless it says how the turn is to stop", async () => {
    await using llm = await startLlmServer((request) =>
      request.body.tool_choice !== "none" ? echo : answer("so far"),
    );
    const user = { user: "a" };
    const assert = [{ type: "stop-reason", value: "max_tool_hops" }];
    const result = await runSteps(
      { ...auto, limits: { hops: 1 }, steps: [{ ...user, assert }, user] },
      { llm: llm.url },
    );
    expect(verdicts(result)).toEqual(["passed", "limit: limits.hops: the turn needs more than 1 requests with tools"]);
  });

  test("time: ends what runs, a turn or a call", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "fs__hang", arguments: {} }])]);
    const limits = { time: "1s" };
    const turn = await runSteps({ ...auto, limits, steps: [{ user: "a" }, { user: "b" }] }, { llm: llm.url });
    expect(verdicts(turn)).toEqual(["limit: limits.time: the script reached its time limit of 1000 ms", "skipped"]);
    const call = await runSteps({ ...auto, limits, steps: [{ tool: { name: "fs.hang" } }] });
    expect(verdicts(call)).toEqual(["limit: limits.time: the script reached its time limit of 1000 ms"]);
    expect(call.error?.kind).toBe("limit");
  });

  test("time: ends a judge that does not come to an end", async () => {
    const assert = [{ type: "llm-rubric", value: "polite" }];
    const scripted = [{ reply: "hi" }, { reply: "{", stall: 1 }];
    const result = await runSteps({
      ...{ model: "scripted", scripted, mcpServers: {} },
      ...{ limits: { time: "1s" }, steps: [{ user: "a", assert }, { set: { a: 1 } }] },
    });
    expect(verdicts(result)).toEqual(["limit: limits.time: the script reached its time limit of 1000 ms", "skipped"]);
    expect(result.error?.kind).toBe("limit");
  });
});

test("a caller can abort a running script", async () => {
  const controller = new AbortController();
  const result = await runSteps(
    { ...auto, steps: [{ tool: { name: "fs.echo" } }, { tool: { name: "fs.echo" } }] },
    { signal: controller.signal, onStep: () => controller.abort() },
  );
  expect(verdicts(result)).toEqual(["passed", "aborted: the script was cancelled"]);
});

describe("servers", () => {
  test("of the script that do not start keep it from beginning, with their name", async () => {
    const broken = fixtureServer({ exitAtStart: { code: 3, stderr: "no database\n" } });
    const result = await runSteps({ mcpServers: { ok: fixtureServer(), db: broken }, steps: [{ set: { a: 1 } }] });
    expect(result.error).toMatchObject({
      kind: "required_server_down",
      message: expect.stringMatching(/^mcpServers\.db: .*no database/s),
    });
    expect(verdicts(result)).toEqual(["skipped"]);
  });

  test("of the configuration matter when a step names them", async () => {
    const mcpServers = { ok: fixtureServer(), db: fixtureServer({ exitAtStart: { code: 3, stderr: "" } }) };
    const run = (name: string) =>
      runSteps(
        { mcpServers: undefined, permissions: { approval: "auto" }, steps: [{ tool: { name } }] },
        { config: { mcpServers } },
      );
    expect((await run("ok.echo")).passed).toBe(true);
    expect((await run("db.echo")).error?.message).toMatch(/^mcpServers\.db: /);
  });
});
