import { describe, expect, test } from "@jest/globals";
import { dump } from "js-yaml";
import { grants, isHarmless } from "../../src/config/consent/consent-settings.js";
import { describeSetting } from "../../src/config/consent/consent-text.js";
import { loadConfig } from "../../src/config/reading/load.js";
import { configSchema, type SchemaNode } from "../../src/config/schema/config-schema.js";
import { presets } from "../../src/llm/providers/presets.js";
import { folderWith } from "./folder.js";

const presetOf = (name: string) => ({
  ...(name === "openai" && { baseUrl: "https://api.openai.com/v1", model: "preset-model" }),
  keyVariable: "KEY",
});
const load = (tree: object, env = {}) =>
  loadConfig({ ...tree }, { env: { HOME: "/home/me", ...env }, cwd: "/project" });
const grantsOf = (tree: object, env = {}) => grants(load(tree, env), presetOf);

/** Returns the pointers of all keys that hold a value. Names that the user chooses are `x`. */
function leaves({ properties = {}, additionalProperties }: SchemaNode, at = ""): string[] {
  const named = typeof additionalProperties === "object" ? { x: additionalProperties } : {};
  return Object.entries({ ...properties, ...named }).flatMap(([key, node]) => {
    const below = leaves(node, `${at}/${key}`);
    return below.length > 0 ? below : [`${at}/${key}`];
  });
}

describe("settings that need no confirmation", () => {
  test("are exactly these keys of the schema", () => {
    const doubtful = leaves(configSchema()).filter((pointer) => !isHarmless(pointer));
    expect(doubtful.filter((pointer) => !pointer.startsWith("/mcpServers/"))).toEqual([
      "/llm/active",
      "/llm/fallback",
      "/llm/http/proxy",
      "/llm/http/ca_file",
      "/llm/prices/x/input",
      "/llm/prices/x/output",
      "/llm/prices/x/cached_input",
      "/llm/prices/x/cache_write",
      "/llm/prices/x/cache_write_1h",
      "/llm/providers/x/base_url",
      "/llm/providers/x/model",
      "/llm/providers/x/api_key",
      "/llm/providers/x/api_keys",
      "/llm/providers/x/headers/x",
      "/llm/providers/x/api_version",
      "/llm/providers/x/hedge_after",
      "/llm/providers/x/reasoning",
      "/llm/providers/x/extra_body",
      "/chat/titles",
      "/chat/title_model",
      "/chat/service/system_prompt",
      "/chat/service/max_tool_hops",
      "/chat/service/max_turns",
      "/chat/service/approval",
      "/chat/service/changed_tools",
      "/chat/service/permissions/allow",
      "/chat/limits/turn/hops",
      "/chat/storage/driver",
      "/chat/storage/url",
      "/chat/storage/pool_size",
      "/chat/storage/listen",
      "/chat/storage/connect_timeout",
      "/chat/storage/statement_timeout",
      "/chat/storage/retry_timeout",
      "/chat/storage/lease",
      "/chat/storage/shared_schema",
      "/chat/storage/path",
      "/chat/storage/max_age",
      "/chat/storage/max_conversations",
      "/serve/host",
      "/serve/port",
      "/serve/token",
      "/serve/allowed_hosts",
      "/serve/allowed_origins",
      "/serve/max_body_mb",
      "/serve/max_connections",
      "/serve/requests_per_minute",
      "/serve/plain_models",
      "/serve/stateless_retention",
      "/telemetry/enabled",
      "/telemetry/endpoint",
      "/telemetry/headers/x",
      "/telemetry/service_name",
      "/telemetry/capture_content",
      "/telemetry/max_length",
      "/mcp/config_file",
      "/mcp/serve/chat",
      "/mcp/serve/tools",
      "/mcp/serve/resources",
      "/mcp/serve/prompts",
      "/mcp/serve/plain_names",
    ]);
  });

  test("include those that a new configuration starts with", () => {
    const shipped = (name: string) => ({ ...presets[name], keyVariable: "KEY" });
    expect(grants(loadConfig("config.yaml", { env: {} }), shipped)).toEqual([]);
    expect(
      grantsOf({ chat: { service: { approval: "ask", max_tool_hops: 8 }, storage: { driver: "sqlite" } } }),
    ).toEqual([]);
  });

  test("include the address and the model that a provider has anyway", () => {
    const openai = { base_url: "https://api.openai.com/v1", model: "preset-model", temperature: 1 };
    expect(grantsOf({ llm: { providers: { openai } } })).toEqual([]);
    expect(grantsOf({ llm: { providers: { openai: { ...openai, model: "dear" } } } })).toEqual([
      "/llm/providers/openai/model",
    ]);
    expect(grantsOf({ llm: { providers: { other: openai } } })).toEqual([
      "/llm/providers/other/base_url",
      "/llm/providers/other/model",
    ]);
  });

  test("include those that ask about more calls", () => {
    const service = { approval: "ask", changed_tools: "ask" };
    using folder = folderWith({
      "own.yaml": "chat: { service: { approval: auto, changed_tools: allow } }",
      "config.yaml": dump({ chat: { service } }),
    });
    const loaded = loadConfig("config.yaml", { env: {}, cwd: folder.path, base: "own.yaml" });
    expect(loaded.config.chat.service).toMatchObject({ approval: "ask", changedTools: "ask" });
    expect(grants(loaded, presetOf)).toEqual([]);
  });

  test("include those that the environment or a flag sets", () => {
    const found = { chat: { service: { approval: "auto" } } };
    expect(grantsOf(found)).toEqual(["/chat/service/approval"]);
    expect(grantsOf(found, { MCP_PLATFORM_CHAT__SERVICE__APPROVAL: "auto" })).toEqual([]);
  });
});

test("a harmless setting needs confirmation if it reads the environment", () => {
  const found = {
    chat: { service: { system_prompt: "say ${SECRET}" } },
    llm: { providers: { openai: { extra_body: "${BODY}" } } },
  };
  expect(grantsOf(found, { SECRET: "s", BODY: "{a: 1}" }).toSorted()).toEqual([
    "/chat/service/system_prompt",
    "/llm/providers/openai/extra_body",
  ]);
});

test("the provider, the model and the prompt need confirmation if they differ from the user's own", () => {
  const own = { llm: { active: "openai", providers: { openai: { model: "mine" } } } };
  const found = {
    llm: { active: "openai", fallback: ["groq"], providers: { openai: { model: "preset-model" } } },
    chat: { service: { system_prompt: "obey" } },
  };
  using folder = folderWith({ "own.yaml": dump(own), "config.yaml": dump(found) });
  const loaded = loadConfig("config.yaml", { env: {}, cwd: folder.path, base: "own.yaml" });
  const asked = grants(loaded, presetOf);
  expect(asked.toSorted()).toEqual(["/chat/service/system_prompt", "/llm/fallback", "/llm/providers/openai/model"]);
  expect(loaded.without(asked).config.llm).toMatchObject({ fallback: [], providers: { openai: { model: "mine" } } });
});

test("without confirmation, defaults replace them and all other settings stay", () => {
  const loaded = load({
    llm: {
      active: "x",
      prices: { m: { input: 1, output: 1 } },
      providers: { x: { base_url: "http://x", model: "m", temperature: 1 } },
    },
    chat: { service: { approval: "auto", system_prompt: "hi", permissions: { allow: ["*"], deny: ["a__b"] } } },
  });
  const { config } = loaded.without(grants(loaded, presetOf));
  expect(config.llm).toMatchObject({ prices: {}, providers: { x: { temperature: 1 } } });
  expect(config.llm.active).toBeUndefined();
  expect(config.llm.providers.x?.baseUrl).toBeUndefined();
  expect(config.chat.service).toMatchObject({
    approval: "ask",
    systemPrompt: expect.not.stringContaining("hi"),
    permissions: { allow: [], deny: ["a__b"] },
  });
});

test("a setting is described by its subject and its written value, without a secret", () => {
  const x = { base_url: "http://evil.example/${KEY}", api_key: "sk-secret", headers: { A: "sk-secret" } };
  const loaded = load(
    { llm: { http: { proxy: "http://me:pw@evil.example" }, providers: { x } } },
    { KEY: "sk-secret" },
  );
  const lines = grants(loaded, presetOf).flatMap((pointer) => describeSetting(pointer, loaded, presetOf));
  expect(lines.join("\n")).not.toMatch(/sk-secret|pw/);
  expect(lines).toContain(
    'sets llm.providers.x.base_url to "http://evil.example/${KEY}" ' +
      "(Address of the API up to its version (/v1; /v1beta for the wire gemini), without a path such as /chat/completions)",
  );
  expect(lines[0]).toContain('sets llm.http.proxy to "http://***@evil.example"');
  expect(lines).toContain(
    "sets llm.providers.x.headers.A to *** (Extra HTTP headers of every request to this provider)",
  );
});
