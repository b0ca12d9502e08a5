import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "@jest/globals";
import type { ProviderConfig } from "../../src/core/config.js";
import { askProvider } from "../../src/doctor/ask-provider.js";
import { resolveModel } from "../../src/llm/providers/providers.js";
import { llmConfig } from "../support/llm-config.js";
import { failure, startLlmServer } from "../support/llm-server.js";
import {
  answer,
  breaking,
  calls,
  failing,
  type Script,
  says,
  startAnthropic,
  startGemini,
  startOpenAi,
  thinks,
} from "../support/strict/index.js";
import { capable } from "./set-ups.js";

/** Answers as doctor expects: calls its tool, answers after the result, and says a word if the request has no tools. */
const works = ({ body, results }: { body: Record<string, unknown>; results: string[] }) => {
  if (results.length > 0) return answer(says("It works."));
  return body.tools ? answer(thinks("hm"), calls("mcp_platform_doctor", { word: "works" })) : answer("works");
};
/** The steps of doctor, in the order of their requests. */
const steps = ["plain", "stream", "tools", "result"];
/** Answers as doctor expects until the request of that step, which gets the fault. */
const failsAt = (step: string, fault: ReturnType<typeof failing>): Script => {
  return (seen) => (seen.hop === steps.indexOf(step) ? fault : works(seen));
};

const wires = [
  { wire: "chat", model: "gpt-4.1", start: startOpenAi },
  { wire: "responses", model: "gpt-5.6-sol", start: startOpenAi, reasoning: { effort: "high" } },
  { wire: "messages", model: "claude-sonnet-5-5", start: startAnthropic, reasoning: { effort: "high" } },
  { wire: "gemini", model: "gemini-3.5-pro", start: startGemini, reasoning: { effort: "high" } },
] satisfies (ProviderConfig & { start: typeof startOpenAi })[];
const reasoning = wires.filter(({ reasoning }) => reasoning);

async function diagnose(baseUrl: string, provider: ProviderConfig) {
  const llm = llmConfig(baseUrl, { maxRetries: 0 }, provider);
  const signal = new AbortController().signal;
  const { findings, kind } = await askProvider(llm, resolveModel(llm, {}), {
    env: {},
    tools: [],
    streaming: true,
    signal,
  });
  const bad = findings.filter(({ status }) => status !== "ok");
  return {
    kind,
    checks: findings.map(({ check, status }) => `${status} ${check}`),
    complaints: bad.map(({ status, check, text, fix }) => `${status} ${check}: ${text} (${fix ?? ""})`),
  };
}

describe.each(wires)("over $wire", ({ start, ...provider }) => {
  test("a working provider passes: whole, streamed, a call, its result and the reasoning sent back", async () => {
    await using mock = await start(works);
    const { checks } = await diagnose(mock.url, provider);
    expect(checks).toEqual([...steps, "reasoning", "clock"].map((check) => `ok ${check}`));
    expect(mock.refusals).toEqual([]);
    expect(mock.hops.flatMap(({ lostReasoning }) => lostReasoning)).toEqual([]);
    expect(mock.hops).toHaveLength(steps.length);
  });

  test.each(steps)("the step %s fails, and the steps after it are not tried", async (step) => {
    await using mock = await start(failsAt(step, failing("overloaded")));
    const { checks, complaints, kind } = await diagnose(mock.url, provider);
    const before = steps.slice(0, steps.indexOf(step)).map((check) => `ok ${check}`);
    expect(checks).toEqual([...before, `fail ${step}`, "ok clock"]);
    expect(complaints).toEqual([expect.stringMatching(/error 5\d\d.*\(.+\)/)]);
    expect(kind).toBe("overloaded");
    expect(mock.requests).toHaveLength(steps.indexOf(step) + 1);
  });

  test("a stream that breaks off is a failure, although the whole answer works", async () => {
    const script: Script = (seen) =>
      seen.hop === 0 ? works(seen) : breaking({ how: "cut", at: "after_text" }, says("It works."));
    await using mock = await start(script);
    const { checks } = await diagnose(mock.url, provider);
    expect(checks.slice(0, 2)).toEqual(["ok plain", "fail stream"]);
  });
});

describe.each(reasoning)("reasoning over $wire", ({ start, ...provider }) => {
  test("a gateway that spreads one key over two accounts loses it, and the finding says so", async () => {
    await using one = await start(works);
    await using other = await start(works);
    await using gateway = await startGateway([one.origin, other.origin]);
    const url = gateway.url + new URL(one.url).pathname;
    const { checks, complaints } = await diagnose(url, provider);
    expect(checks).toEqual([...steps.map((step) => `ok ${step}`), "warn reasoning", "ok clock"]);
    expect(complaints).toEqual([
      expect.stringMatching(
        /^warn reasoning: .*refuses the reasoning of its own answer.*\(.*belong to the same account/,
      ),
    ]);
    expect([...one.refusals, ...other.refusals]).toHaveLength(1);
  });
});

describe("if the wire in use does not work, the finding names", () => {
  const named = (wire: string, more = "") => [
    expect.stringMatching(/^fail plain: /),
    expect.stringContaining(
      `warn wire: the same requests succeed over the wire ${wire} (write "wire: ${wire}"${more} under llm.providers.test in config.yaml)`,
    ),
  ];

  test.each([
    ["messages", startOpenAi, "gpt-5.6-sol", "responses"],
    ["chat", startAnthropic, "claude-sonnet-5-5", "messages"],
    ["responses", startAnthropic, "claude-sonnet-5-5", "messages"],
  ] as const)("%s as the wire that works, instead of the configured one", async (wire, start, model, right) => {
    await using mock = await start(works);
    const { complaints, kind } = await diagnose(mock.url, { wire, model });
    expect(complaints).toEqual(named(right));
    expect(kind).toBe("model_gone");
  });

  test("the address of Gemini with the version that works", async () => {
    await using mock = await startGemini(works);
    const url = `${mock.origin}/v1`;
    const more = ` and "base_url: ${mock.url}"`;
    const { complaints } = await diagnose(url, { wire: "chat", model: "gemini-3.5-pro" });
    expect(complaints).toEqual(named("gemini", more));
  });

  test("the older wire if the newer one is configured and does not work", async () => {
    await using mock = await startOpenAi(works);
    const { complaints } = await diagnose(`${mock.origin}/v1beta`, { wire: "gemini", model: "gpt-4.1" });
    expect(complaints).toEqual(named("responses", ` and "base_url: ${mock.url}"`));
  });

  test("Chat Completions if the server has only that wire", async () => {
    await using server = await startLlmServer(({ path, ...request }) =>
      path === "/v1/chat/completions"
        ? capable({ ...request, path })
        : (response) => void response.writeHead(404).end("no such path"),
    );
    expect((await diagnose(server.url, { wire: "responses", model: "m1" })).complaints).toEqual(named("chat"));
    const vendors = `${server.url.replace("/v1", "")}/anthropic`;
    const { complaints } = await diagnose(vendors, { wire: "messages", model: "m1" });
    expect(complaints).toEqual(named("chat", ` and "base_url: ${server.url}"`));
  });

  test("no failure if the host leaves out what the model refuses", async () => {
    const refused = { error: { message: "Unknown parameter: 'stream_options'.", code: "unknown_parameter" } };
    await using server = await startLlmServer((request) =>
      request.body.stream_options ? failure(400, { body: refused }) : capable(request),
    );
    expect((await diagnose(server.url, { model: "m1" })).complaints).toEqual([]);
    expect(server.requests).toHaveLength(steps.length + 1);
  });

  test("the wire that the provider itself asks for", async () => {
    await using mock = await startOpenAi(works);
    const { checks, complaints } = await diagnose(mock.url, { wire: "chat", model: "gpt-6-astra" });
    expect(checks).toContain("ok reasoning");
    expect(complaints).toEqual([
      expect.stringMatching(
        /^warn wire: .*Chat Completions is refused for this model.*\(write "wire: responses" under llm\.providers\.test in config\.yaml\)/,
      ),
    ]);
  });

  test("each wire with its error if none works", async () => {
    await using server = await startLlmServer(() => (response) => void response.writeHead(404).end("no such path"));
    const { checks, complaints } = await diagnose(server.url, { wire: "chat", model: "m1" });
    expect(checks).toEqual(["fail plain", "warn wire", "ok clock"]);
    expect(complaints[1]).toMatch(
      /the other wires fail too \(responses: .*404.*; messages: .*404.*; gemini: .*404.*\) \(check llm\.providers\.test\.base_url/,
    );
  });

  test("only the key if every wire refuses it", async () => {
    await using mock = await startOpenAi(works, { keys: { "another-key": "account" } });
    const { complaints, kind } = await diagnose(mock.url, { wire: "responses", model: "gpt-5.6-sol" });
    expect(complaints).toEqual([expect.stringMatching(/^fail plain: .*401.*\(Set TEST_API_KEY/)]);
    expect(kind).toBe("auth");
  });
});

/** Starts a gateway that passes each request to the next of these servers. */
async function startGateway(origins: readonly string[]): Promise<AsyncDisposable & { url: string }> {
  let turn = 0;
  const server = createServer((incoming, response) => {
    const to = new URL(incoming.url ?? "/", origins[turn++ % origins.length]);
    const { host: _, ...headers } = incoming.headers;
    const outgoing = forward(to, { method: incoming.method, headers }, (answered) => {
      response.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(response);
    });
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
