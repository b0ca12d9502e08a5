import { expect, test } from "@jest/globals";
import type { CompletionRequest } from "../../../../src/core/messages.js";
import { httpConfig } from "../../../support/llm-config.js";
import { answer, startLlmServer } from "../../../support/llm-server.js";
import { clientWith } from "../../client-of.js";

const request = (words: number): CompletionRequest => ({
  messages: [{ role: "user", content: [{ type: "text", text: "some word ".repeat(words) }] }],
  tools: [],
});
const counted = (prompt: number) => answer("ok", { usage: { prompt_tokens: prompt, completion_tokens: 1 } });

async function warnings(name: string, counts: readonly number[], words = 4000): Promise<string[]> {
  await using server = await startLlmServer(counts.map(counted));
  const providers = { [name]: { baseUrl: server.url, model: "m1", apiKey: "sk-test-0123456789" } };
  await using ends = clientWith({ active: name, fallback: [], streamRecovery: "auto", http: httpConfig, providers });
  for (const _ of counts) await ends.ask({ streaming: true }, request(words));
  return ends.observed.filter(({ level }) => level === "warn").map(({ message }) => message);
}

test("a warning says that Ollama read far fewer tokens than were sent, once until it is over", async () => {
  expect(await warnings("ollama", [4096, 4096, 9000, 4096])).toEqual(
    Array(2).fill(
      "ollama: m1 read 4096 tokens of about 10000 that were sent: the beginning was cut off. Raise its window (OLLAMA_CONTEXT_LENGTH, or num_ctx of the model), or lower llm.providers.ollama.context_window.",
    ),
  );
});

test.each<[string, string, number, number]>([
  ["where it counted about as many", "ollama", 8000, 4000],
  ["where the prompt was short", "ollama", 10, 300],
  ["where others count what their cache does not have", "openai", 100, 4000],
])("no warning comes %s", async (_name, provider, count, words) => {
  expect(await warnings(provider, [count], words)).toEqual([]);
});
