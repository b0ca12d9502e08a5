import { Readable } from "node:stream";
import { expect, test } from "@jest/globals";
import type { LlmConfig } from "../../../src/core/config.js";
import type { CompletionRequest } from "../../../src/core/messages.js";
import type { ModelExchange, Tape } from "../../../src/core/tape.js";
import { LlmClient } from "../../../src/llm/client.js";
import { HTTP, llmConfig } from "../../support/llm-config.js";
import { answer, startOpenAi } from "../../support/strict/index.js";
import { clientWith } from "../client-of.js";

const request: CompletionRequest = {
  messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
  tools: [{ name: "read", description: "Reads", inputSchema: { type: "object", properties: {} } }],
};

/** The first request to a gateway's provider has OpenRouter's `reasoning`, which OpenAI does not know. */
test.each<[string, string, string | undefined, ...string[]]>([
  ["openai", "gpt-5.6-sol", "high", "reasoning_effort"],
  ["openai", "gpt-6-astra", "low", "reasoning_effort"],
  ["openai", "gpt-5.6-sol", undefined, "none"],
  ["openai", "gpt-5.5-pro", undefined, "none"],
  ["gateway", "gpt-5.6-sol", "high", "reasoning", "reasoning_effort"],
])(
  "%s/%s with effort %s is asked through Responses at once, and from then on, with its effort",
  async (name, model, effort, ...sent) => {
    await using mock = await startOpenAi([answer("one"), answer("two"), answer("three")]);
    const provider = {
      baseUrl: mock.url,
      apiKey: "k",
      wire: "chat",
      model,
      ...(effort && { reasoning: { effort } }),
    } as const;
    const config: LlmConfig = { ...llmConfig(mock.url), active: name, providers: { [name]: provider } };
    await using tested = clientWith(config);
    const { message, attempts } = await tested.ask({ streaming: true }, request);
    expect([message.content, attempts]).toEqual(["one", sent.length + 1]);
    await tested.ask({ streaming: false }, request);
    const successor = tested.client.successor({ ...config, fallback: [`${name}/gpt-5.6-luna`] });
    await successor.complete(request, { streaming: false });
    await successor.close();
    const byChat = mock.requests.slice(0, sent.length);
    const later = mock.requests.slice(sent.length);
    expect(byChat.map(({ url }) => url.pathname)).toEqual(sent.map(() => "/v1/chat/completions"));
    expect(byChat.map(({ body }) => Object.keys(body).find((key) => key.startsWith("reasoning")) ?? "none")).toEqual(
      sent,
    );
    expect(later.map(({ url }) => url.pathname)).toEqual(Array(3).fill("/v1/responses"));
    for (const { body } of later) expect((body.reasoning as { effort?: string } | undefined)?.effort).toBe(effort);
    expect(tested.client.wireOf()).toEqual({
      name: "responses",
      by: `${name}, which refused ${model} through chat (llm.providers.${name}.wire)`,
    });
    expect(tested.observed.filter(({ level }) => level === "warn")).toMatchObject([
      {
        message: `${name}: Chat Completions is refused for this model; using the wire responses from now on`,
        fields: { provider: name, model, wire: "responses" },
      },
    ]);
  },
);

test.each([
  ["/v1/chat/completions", { choices: [{ message: { role: "assistant", content: "taped" }, finish_reason: "stop" }] }],
  [
    "/v1/responses",
    {
      object: "response",
      status: "completed",
      output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "taped" }] }],
    },
  ],
])("what was recorded at %s is played by its wire, whatever the preset's wire is by now", async (path, body) => {
  const asked: ModelExchange[] = [];
  const tape = {
    plays: { models: true, servers: true },
    pathFor: () => path,
    model: async (exchange: ModelExchange) => {
      asked.push(exchange);
      const text = JSON.stringify(body);
      return { status: 200, headers: { "content-type": "application/json" }, body: Readable.from([Buffer.from(text)]) };
    },
  } as Partial<Tape> as Tape;
  const config: LlmConfig = { active: "openai", fallback: [], streamRecovery: "auto", http: HTTP, providers: {} };
  const client = new LlmClient(config, { env: {}, observe: () => {}, tape });
  const { message } = await client.complete(request, { streaming: false });
  await client.close();
  expect([message.content, asked.map((exchange) => exchange.path)]).toEqual(["taped", [path]]);
});
