import { describe, expect, test } from "@jest/globals";
import type { LlmConfig } from "../../../src/core/config.js";
import { LlmError } from "../../../src/core/errors.js";
import { LlmClient } from "../../../src/llm/client.js";
import { chooseProvider } from "../../../src/llm/providers/choose-provider.js";
import { httpConfig } from "../../support/llm-config.js";
import { json, type Step, startLlmServer } from "../../support/llm-server.js";

function config(providers: LlmConfig["providers"], active?: string): LlmConfig {
  return { active, fallback: [], streamRecovery: "auto", http: httpConfig, providers };
}

function resolve(given: LlmConfig, model?: string, env = {}) {
  return new LlmClient(given, { env, observe: () => {} }).resolve(model);
}

function refused(act: () => unknown): LlmError {
  try {
    act();
  } catch (error) {
    if (error instanceof LlmError) return error;
  }
  throw new Error("not refused");
}

describe("the choice of provider and model", () => {
  const two = config(
    { mine: { baseUrl: "http://127.0.0.1:1/v1", model: "m1" }, other: { baseUrl: "http://127.0.0.1:2/v1" } },
    "mine",
  );

  test.each<[string | undefined, string, string]>([
    [undefined, "mine", "m1"],
    ["m2", "mine", "m2"],
    ["other/m3", "other", "m3"],
    ["mine/", "mine", "m1"],
    ["meta/llama", "mine", "meta/llama"],
    ["ollama/qwen", "ollama", "qwen"],
    ["mine/meta/llama", "mine", "meta/llama"],
  ])("%s", (wanted, provider, model) => {
    expect(resolve(two, wanted)).toMatchObject({ provider: { name: provider }, model });
  });

  test("the latest of the many models that callers name are remembered", () => {
    const client = new LlmClient(two, { env: {}, observe: () => {} });
    const first = client.resolve("m0");
    expect(client.resolve("m0")).toBe(first);
    for (let each = 1; each <= 1_000; each++) client.resolve(`m${each}`);
    expect(client.resolve("m1000")).toBe(client.resolve("m1000"));
    expect(client.resolve("m0")).not.toBe(first);
  });

  test("the configuration completes a preset, and the environment's key wins", () => {
    const { provider, model, contextWindow } = resolve(
      config({ groq: { apiKey: "from-file", temperature: 0.5 } }, "groq"),
      undefined,
      {
        GROQ_API_KEY: " from-env\n",
      },
    );
    expect(provider).toMatchObject({
      apiKeys: ["from-env"],
      temperature: 0.5,
      baseUrl: "https://api.groq.com/openai/v1",
    });
    expect({ model, contextWindow }).toEqual({ model: "llama-3.3-70b-versatile", contextWindow: 131_072 });
  });

  test("a local model gets longer time limits, unless they are configured", () => {
    expect(resolve(config({}, "ollama")).provider.limits).toMatchObject({ timeoutMs: 300_000, idleTimeoutMs: 60_000 });
    expect(resolve(config({ ollama: { timeoutMs: 5 } }, "ollama")).provider.limits.timeoutMs).toBe(5);
  });
});

describe("an error of the configuration is found before any request", () => {
  test("a provider without its key", async () => {
    const client = new LlmClient(config({}, "groq"), { env: { GROQ_API_KEY: "" }, observe: () => {} });
    const error = await client
      .complete({ messages: [], tools: [] }, { streaming: true })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: "auth", provider: "groq", retryable: false });
    expect(error).toMatchObject({
      message: expect.stringContaining("GROQ_API_KEY"),
      hint: expect.stringContaining("llm.providers.groq.api_key"),
    });
  });

  test("a key that no header can carry", () => {
    const error = refused(() => resolve(config({ groq: { apiKey: "sk-ключ" } }, "groq")));
    expect(error.kind).toBe("auth");
    expect(error.message).not.toContain("ключ");
  });

  test("a model whose name is too long for a model", () => {
    const one = config({ mine: { baseUrl: "http://127.0.0.1:1/v1" } }, "mine");
    expect(resolve(one, `mine/${"m".repeat(400)}`).model).toHaveLength(400);
    const { message } = refused(() => resolve(one, `mine/${"m".repeat(1_000_000)}`));
    expect(message).toBe("a model's name has at most 500 characters");
  });

  test("an unknown provider, one without base_url, one without model, none at all", () => {
    expect(refused(() => resolve(config({}, "opena1"))).message).toContain('unknown provider "opena1"');
    expect(refused(() => resolve(config({ mine: { model: "m" } }, "mine"))).message).toContain(
      "llm.providers.mine.base_url",
    );
    expect(refused(() => resolve(config({}, "vllm"))).message).toContain("llm.providers.vllm.model");
    expect(refused(() => resolve(config({}))).message).toContain("llm.active");
  });
});

describe("the provider of a first run", () => {
  const nobody = () => Promise.resolve(undefined);

  test("is llm.active", async () => {
    expect(await chooseProvider(config({}, "vllm"), { OPENAI_API_KEY: "k" }, nobody)).toEqual({ provider: "vllm" });
  });

  test("else is the first one with a key, in the order of the file, then of the presets", async () => {
    const env = { MISTRAL_API_KEY: "k", GROQ_API_KEY: "k" };
    expect(await chooseProvider(config({}), env, nobody)).toEqual({ provider: "groq" });
    expect(await chooseProvider(config({ mistral: {} }), env, nobody)).toEqual({ provider: "mistral" });
  });

  test("else is a local server that answers, with its model", async () => {
    const probe = (url: string) => Promise.resolve(url.includes("11434") ? undefined : [`model at ${url}`]);
    expect(await chooseProvider(config({}), {}, probe)).toEqual({
      provider: "lmstudio",
      model: "model at http://127.0.0.1:1234/v1",
    });
    expect(await chooseProvider(config({ lmstudio: { model: "mine" } }), {}, probe)).toEqual({
      provider: "lmstudio",
      model: "mine",
    });
  });

  test("else is the demo", async () => {
    expect(await chooseProvider(config({}), { OPENAI_API_KEY: " " }, nobody)).toEqual({ provider: "demo" });
  });

  test("is local only if a port lists models; other servers do not count, a busy one does", async () => {
    const busy: Step = (...given) => void setTimeout(() => json({ data: [{ id: "real" }] })(...given), 500);
    const answers = {
      ollama: json("<html>"),
      lmstudio: busy,
      llamacpp: json({ data: "no" }),
    };
    await using server = await startLlmServer(({ path }) => answers[path.split("/")[2] as keyof typeof answers]);
    const at = (name: string) => ({ baseUrl: `${server.url}/${name}` });
    const providers = { ollama: at("ollama"), lmstudio: at("lmstudio"), llamacpp: at("llamacpp") };
    expect(await chooseProvider(config(providers), {})).toEqual({ provider: "lmstudio", model: "real" });
    expect(server.requests.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      "GET /v1/llamacpp/models",
      "GET /v1/lmstudio/models",
      "GET /v1/ollama/models",
    ]);
  });

  test("does not include a port whose answer switches protocols", async () => {
    await using server = await startLlmServer(
      () => (response) =>
        void response.socket?.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"),
    );
    const at = (name: string) => ({ baseUrl: `${server.url}/${name}` });
    const providers = { ollama: at("ollama"), lmstudio: at("lmstudio"), llamacpp: at("llamacpp") };
    expect(await chooseProvider(config(providers), {})).toEqual({ provider: "demo" });
  });
});
