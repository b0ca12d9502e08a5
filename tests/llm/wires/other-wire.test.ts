import { expect, test } from "@jest/globals";
import type { LlmConfig } from "../../../src/core/config.js";
import type { CompletionRequest } from "../../../src/core/messages.js";
import { llmConfig } from "../../support/llm-config.js";
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
