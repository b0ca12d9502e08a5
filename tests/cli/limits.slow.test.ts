import { describe, expect, test } from "@jest/globals";
import { fixtureServer } from "../support/app.js";
import { configFor, Workplace } from "../support/cli.js";
import { answer, type Step, startLlmServer, toolCalls } from "../support/llm-server.js";

let calls = 0;
/** 1,000 tokens, the usage of each answer. */
const usage = { prompt_tokens: 900, completion_tokens: 100 };
const another = (count = 1) =>
  toolCalls(
    Array.from({ length: count }, (_, index) => ({
      id: `call_${index}`,
      name: "s__echo",
      arguments: { n: ++calls },
    })),
    { usage },
  );
const same = toolCalls([{ name: "s__echo", arguments: { n: 0 } }], { usage });
/** A call that takes at least 60 ms. */
const slow = toolCalls([{ name: "s__drip", arguments: { times: 2, everyMs: 30 } }], { usage });
const soFar = answer("so far", { usage });
const prices = { "test/m1": { input: 1000, output: 1000 } };

/** Runs `run go` with these limits and prices. */
async function run(llm: { url: string }, limits: object, more: { place?: Workplace; args?: string[] } = {}) {
  using own = new Workplace();
  const place = more.place ?? own;
  const config = configFor(llm.url, { s: fixtureServer() }, { chat: { limits } }) as { llm: object };
  place.configure({ ...config, llm: { ...config.llm, prices } });
  const ended = await place.run(["run", "go", "--yes", "--output-format", "json", ...(more.args ?? [])]);
  return { ...ended, result: ended.stdout ? JSON.parse(ended.stdout) : undefined };
}

describe("a limit of a turn stops it with exit code 7 and a last answer", () => {
  test.each<[string, object, Step[], string]>([
    ["hops", { hops: 2 }, [another(), another(), soFar], "max_tool_hops"],
    ["hops beyond max_tool_hops", { hops: 9 }, [...Array.from({ length: 9 }, () => another()), soFar], "max_tool_hops"],
    ["tokens", { tokens: 2_600 }, [another(), another(), soFar], "budget"],
    ["dollars", { usd: 2.6 }, [another(), another(), soFar], "budget"],
    ["calls", { calls: 3 }, [another(2), another(2), soFar], "budget"],
    ["time", { time: "20ms" }, [slow, soFar], "budget"],
    ["a loop", {}, [same, same, same, same, same, soFar], "budget"],
  ])("%s", async (_, turn, steps, stopReason) => {
    await using llm = await startLlmServer(steps);
    const { exitCode, result } = await run(llm, { turn });
    expect([exitCode, result.stop_reason, result.text]).toEqual([7, stopReason, "so far"]);
    expect(llm.requests.at(-1)?.body).toMatchObject({ tool_choice: "none", tools: expect.any(Array) });
  });
});

test("calls beyond a limit are not run; calls within it are", async () => {
  await using llm = await startLlmServer([another(3), soFar]);
  const { result } = await run(llm, { turn: { calls: 2 } });
  expect(result.tool_calls.map(({ is_error }: { is_error: boolean }) => is_error)).toEqual([false, false, true]);
});

test("the answer is the text so far if not even one more request fits", async () => {
  await using llm = await startLlmServer([another()]);
  const { exitCode, result } = await run(llm, { turn: { tokens: 1_000 } });
  expect([exitCode, result.stop_reason, llm.requests.length]).toEqual([7, "budget", 1]);
});

test("the last answer has at most the tokens that are left", async () => {
  await using llm = await startLlmServer([another(), soFar]);
  await run(llm, { turn: { usd: 1.5 } });
  const bound = Number(llm.requests[1]?.body.max_tokens);
  expect(bound).toBeGreaterThan(64);
  expect(bound).toBeLessThan(500);
});

test("the model is told that it repeats a call before a person is asked", async () => {
  await using llm = await startLlmServer([same, same, same, answer("oh")]);
  const { exitCode } = await run(llm, {});
  const results = llm.requests[3]?.body.messages?.filter(({ role }) => role === "tool") ?? [];
  expect(results.map(({ content }) => JSON.stringify(content).includes("3 times in a row"))).toEqual([
    false,
    false,
    true,
  ]);
  expect(exitCode).toBe(0);
});

test("stderr names the limit, what was used and the setting", async () => {
  await using llm = await startLlmServer([another(), soFar]);
  using place = new Workplace();
  place.configure(configFor(llm.url, { s: fixtureServer() }, { chat: { limits: { turn: { calls: 1, hops: 1 } } } }));
  const { stdout, stderr } = await place.run(["run", "go", "--yes"]);
  expect(stdout).toBe("so far\n");
  expect(stderr).toContain("this turn has made 1 of 1 requests to the model (chat.limits.turn.hops)");
});

test.each([
  ["conversation", { conversation: { tokens: 1_900 } }, ["--conversation", "c1"]],
  ["day", { day: { usd: 1.9 } }, []],
])("what earlier runs have used counts for the limit of the %s", async (_, limits, args) => {
  await using llm = await startLlmServer([soFar, soFar]);
  using place = new Workplace();
  const codes = [];
  for (const _time of [1, 2, 3]) codes.push((await run(llm, limits, { place, args })).exitCode);
  expect(codes).toEqual([0, 0, 7]);
});

test("a limit in dollars is refused before the first request if the price is unknown", async () => {
  await using llm = await startLlmServer([]);
  using place = new Workplace();
  place.configure(configFor(llm.url, {}, { chat: { limits: { turn: { usd: 1 } } } }));
  const { exitCode, stderr } = await place.run(["run", "go"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("the price of test/m1 is not known");
  expect(stderr).toContain('llm.prices."test/m1"');
});

test("usage has the cost only if it is known", async () => {
  await using llm = await startLlmServer([answer("x", { usage }), answer("x", { usage })]);
  expect((await run(llm, {})).result.usage).toEqual({ input_tokens: 900, output_tokens: 100, cost_usd: 1 });
  using place = new Workplace();
  place.configure(configFor(llm.url));
  const { stdout } = await place.run(["run", "go", "--output-format", "json"]);
  expect(JSON.parse(stdout).usage).toEqual({ input_tokens: 900, output_tokens: 100 });
});
