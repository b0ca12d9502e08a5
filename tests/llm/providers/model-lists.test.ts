import { expect, test } from "@jest/globals";
import { loadConfig } from "../../../src/config/reading/load.js";
import { LlmClient } from "../../../src/llm/client.js";
import { startLlmServer } from "../../support/llm-server.js";

const key = "sk-test-0123456789";

function clientFor(providers: object, active = "one"): LlmClient {
  const { config } = loadConfig({ llm: { active, providers } } as never, { env: {} });
  return new LlmClient(config.llm, { env: {}, observe: () => {} });
}

test("each provider is asked for its models once, and says the context and what they take", async () => {
  await using llm = await startLlmServer([]);
  llm.models.push(
    { id: "gpt-5.4-mini", context_length: 400_000, architecture: { input_modalities: ["text", "image"] } },
    { id: "text-embedding-3-small" },
    { id: "m1" },
  );
  const one = { base_url: llm.url, model: "m1", api_key: key };
  const client = clientFor({ one, two: { ...one, model: "far", context_window: 8_000 } });
  const { models, problems } = await client.choosableModels();
  expect(problems).toEqual([]);
  expect(models.map(({ id }) => id)).toEqual(["one/m1", "two/far", "one/gpt-5.4-mini", "two/gpt-5.4-mini", "two/m1"]);
  expect(models[1]?.contextWindow).toBe(8_000);
  expect(models[2]).toMatchObject({ provider: "one", model: "gpt-5.4-mini", contextWindow: 400_000, takes: ["image"] });
  const before = llm.connections;
  llm.models.push({ id: "new" });
  expect((await client.choosableModels()).models).toEqual(models);
  expect(llm.connections).toBe(before);
  await client.close();
});

test("a provider that does not answer is named, is asked again, and its configured model can be chosen", async () => {
  const client = clientFor({ one: { base_url: "http://127.0.0.1:1/v1", model: "m1", api_key: key } });
  const { models, problems } = await client.choosableModels();
  expect(models).toMatchObject([{ id: "one/m1" }]);
  expect(problems).toEqual([{ provider: "one", message: expect.stringContaining("cannot be asked for its models") }]);
  expect(JSON.stringify(problems)).not.toContain(key);
  await client.close();
});
