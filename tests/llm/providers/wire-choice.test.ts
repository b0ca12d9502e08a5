import { expect, test } from "@jest/globals";
import type { ProviderConfig } from "../../../src/core/config.js";
import { LlmClient } from "../../../src/llm/client.js";
import { chooseWire } from "../../../src/llm/providers/wire-choice.js";
import { httpConfig } from "../../support/llm-config.js";

interface Case {
  name: string;
  provider: string;
  own?: ProviderConfig;
  model?: string;
  wire: string;
  by: string;
}

const gemini = "https://generativelanguage.googleapis.com/v1beta";

test.each<Case>([
  {
    name: "what the configuration says",
    provider: "openai",
    own: { wire: "messages", baseUrl: "http://gateway/v1" },
    wire: "messages",
    by: "llm.providers.openai.wire",
  },
  {
    name: "a provider that nobody knows",
    provider: "mine",
    own: { baseUrl: "http://gateway/v1" },
    wire: "chat",
    by: "default",
  },
  {
    name: "a preset at an address of one's own",
    provider: "openai",
    own: { baseUrl: "http://gateway/v1" },
    wire: "chat",
    by: "llm.providers.openai.base_url, which is not the preset's",
  },
  { name: "Anthropic", provider: "anthropic", wire: "messages", by: "the preset anthropic" },
  { name: "Gemini", provider: "gemini", wire: "gemini", by: "the preset gemini" },
  { name: "a local preset", provider: "ollama", wire: "chat", by: "the preset ollama" },
  {
    name: "a local preset on another port",
    provider: "ollama",
    own: { baseUrl: "http://127.0.0.1:9/v1" },
    wire: "chat",
    by: "llm.providers.ollama.base_url, which is not the preset's",
  },
  {
    name: "Azure by an API for each deployment",
    provider: "azure",
    own: { baseUrl: "https://x.openai.azure.com", apiVersion: "2024-10-21" },
    wire: "chat",
    by: "llm.providers.azure.api_version, which is of an API with Chat Completions only",
  },
  {
    name: "a deployment of Azure in the address",
    provider: "azure",
    own: { baseUrl: "https://x.openai.azure.com/openai/deployments/d?api-version=2024-10-21" },
    wire: "chat",
    by: "llm.providers.azure.base_url, which is of an API with Chat Completions only",
  },
  {
    name: "Azure's v1 API",
    provider: "work",
    own: { baseUrl: "https://x.openai.azure.com/openai/v1" },
    wire: "responses",
    by: "the preset azure",
  },
  {
    name: "a gateway in front of Azure",
    provider: "azure",
    own: { baseUrl: "https://gateway.example.com/llm" },
    wire: "responses",
    by: "the preset azure",
  },
  {
    name: "the version of Azure's v1 API",
    provider: "work",
    own: { baseUrl: "https://gateway.example.com/llm", apiVersion: "preview" },
    wire: "responses",
    by: "the preset azure",
  },
  { name: "the preset of OpenAI", provider: "openai", wire: "responses", by: "the preset openai" },
  { name: "the preset of Anthropic", provider: "anthropic", wire: "messages", by: "the preset anthropic" },
  { name: "the preset of Gemini", provider: "gemini", wire: "gemini", by: "the preset gemini" },
  { name: "the preset of xAI", provider: "xai", wire: "responses", by: "the preset xai" },
  ...["groq", "openrouter", "mistral", "deepseek", "moonshot", "zai", "lmstudio", "llamacpp", "vllm"].map(
    (provider): Case => ({ name: `the preset of ${provider}`, provider, wire: "chat", by: `the preset ${provider}` }),
  ),
  ...["https://api.anthropic.com/v1/", "https://api.anthropic.com"].map(
    (baseUrl): Case => ({
      name: `a preset at its own address, ${baseUrl}`,
      provider: "anthropic",
      own: { baseUrl },
      wire: "messages",
      by: "the preset anthropic",
    }),
  ),
  {
    name: "a model for sound",
    provider: "openai",
    model: "gpt-audio",
    wire: "chat",
    by: "the model, which is for sound",
  },
])("$name decides on the wire", ({ provider, own = {}, model = "m", wire, by }) => {
  expect(chooseWire(provider, own, model)).toEqual({ wire, by });
});

test.each<[ProviderConfig, string]>([
  [{}, gemini],
  [{ baseUrl: `${gemini}/` }, `${gemini}/`],
  [{ wire: "chat" }, `${gemini}/openai`],
  [{ wire: "gemini" }, gemini],
  [{ baseUrl: `${gemini}/openai` }, `${gemini}/openai`],
  [{ wire: "gemini", baseUrl: "http://proxy/v1beta" }, "http://proxy/v1beta"],
  [{ baseUrl: "http://proxy/v1" }, "http://proxy/v1"],
])("Gemini with %j is asked at %s: its own API has another address than its Chat Completions", (own, address) => {
  const config = {
    active: "gemini",
    fallback: [],
    streamRecovery: "auto",
    http: httpConfig,
    providers: { gemini: own },
  } as const;
  const client = new LlmClient(config, { env: { GEMINI_API_KEY: "k" }, observe: () => {} });
  expect(client.resolve().provider.baseUrl).toBe(address);
});
