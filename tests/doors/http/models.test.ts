import { expect, test } from "@jest/globals";
import { startApp } from "../../support/app.js";
import { startLlmServer } from "../../support/llm-server.js";
import { openDoor } from "./door.js";

test("the models of all providers come with what is known of them, the default first", async () => {
  await using llm = await startLlmServer([]);
  llm.models.push({ id: "m1", context_length: 64_000, architecture: { input_modalities: ["text"] } }, { id: "listed" });
  const providers = {
    far: { base_url: llm.url, model: "priced", api_key: "sk-test-0123456789", context_window: 1_000 },
    openai: { model: "no-key" },
  };
  const test = { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789" };
  await using app = await startApp({
    llm: llm.url,
    config: {
      llm: { active: "test", prices: { priced: { input: 1.5, output: 6 } }, providers: { test, ...providers } },
    },
  });
  await using door = await openDoor(app, { models: () => app.models() });
  const answer = await fetch(`${door.url}/api/models`);
  const { models, problems } = (await answer.json()) as { models: object[]; problems: object[] };
  const unpriced = { input_price: null, output_price: null };
  expect(models).toEqual([
    {
      id: "test/m1",
      provider: "test",
      model: "m1",
      context_window: 64_000,
      ...unpriced,
      takes: [],
      is_default: true,
    },
    {
      id: "far/priced",
      provider: "far",
      model: "priced",
      context_window: 1_000,
      input_price: 1.5,
      output_price: 6,
      takes: ["image", "audio"],
      is_default: false,
    },
    ...["far/listed", "far/m1", "test/listed"].map((id) => expect.objectContaining({ id, is_default: false })),
  ]);
  expect(problems).toEqual([]);
});
