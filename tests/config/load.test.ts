import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { loadConfig } from "../../src/config/reading/load.js";
import { objectSource } from "../../src/core/source/source.js";
import { errorsOf, folderWith, loadText } from "./folder.js";

describe("an empty configuration", () => {
  test.each([
    ["", "an empty file"],
    ["# nothing\n", "a comment"],
    ["llm:\nmcpServers:\nlogging:\n  level:\n", "keys with nothing behind them"],
  ])("%j has all defaults: %s", (text) => {
    expect(loadText(text).config).toEqual({
      llm: {
        active: undefined,
        fallback: [],
        streamRecovery: "auto",
        http: {
          timeoutMs: 30_000,
          maxRetries: 3,
          initialRetryDelayMs: 1000,
          maxRetryDelayMs: 16_000,
          retryMultiplier: 2,
          retryJitter: 0.1,
          maxKeepaliveConnections: 20,
          maxConnections: 100,
          keepaliveExpiryMs: 30_000,
          retryJitterMode: "proportional",
          maxRetryAfterMs: 60_000,
          connectTimeoutMs: 5000,
          ttftTimeoutMs: 60_000,
          idleTimeoutMs: 60_000,
          queueTimeoutMs: 10_000,
          totalTimeoutMs: 300_000,
        },
        prices: {},
        providers: {},
      },
      chat: {
        limits: { turn: {}, conversation: {}, day: {} },
        titles: { by: "model" },
        service: {
          systemPrompt: "You are a helpful assistant. Use the tools you are given when they help.",
          streaming: true,
          maxToolHops: 8,
          maxTurns: 1000,
          toolNotifications: true,
          approval: "ask",
          changedTools: "ask",
          compaction: "auto",
          toolBudgetTokens: 20_000,
          resultLimitTokens: 5_000,
          permissions: { allow: [], ask: [], deny: [] },
          drainTimeoutMs: 10_000,
        },
        storage: {
          driver: "sqlite",
          path: "/home/me/.local/share/mcp-platform/conversations.db",
          durability: "normal",
        },
      },
      serve: {
        host: "127.0.0.1",
        port: 8642,
        allowedHosts: [],
        allowedOrigins: [],
        maxBodyMb: 16,
        maxConnections: 4096,
        plainModels: [],
        requestsPerMinute: 6000,
        statelessRetentionMs: 90 * 24 * 3_600_000,
      },
      logging: { level: "warn", modules: {}, maxLength: 8192, format: "auto" },
      telemetry: { headers: {}, serviceName: "mcp-platform", captureContent: false, maxLength: 8192 },
      mcpServe: { chat: true, tools: [], resources: false, prompts: false, plainNames: false },
      mcpServers: [],
      remembersTools: true,
      privateVariables: [],
    });
  });

  test.each([
    [{}, 90 * 24 * 3_600_000],
    [{ stateless_retention: "12h" }, 12 * 3_600_000],
    [{ stateless_retention: "never" }, undefined],
  ])("calls whose client keeps the history stay for 90 days by default: %j", (serve, expected) => {
    expect(loadConfig({ serve }, { env: {} }).config.serve.statelessRetentionMs).toBe(expected);
  });

  test("an invalid duration is refused", () => {
    const serve = { stateless_retention: "a month" };
    expect(() => loadConfig({ serve }, { env: {} })).toThrow(/serve\.stateless_retention/);
  });

  test("a database URL replaces the file, and driver memory replaces both", () => {
    const storage = {
      url: "postgres://me:word@h/db",
      pool_size: 3,
      listen: false,
      retry_timeout: "1m",
      max_age: "90d",
    };
    const given = (more: object) => loadConfig({ chat: { storage: { ...storage, ...more } } }, { env: {} }).config.chat;
    expect(given({}).storage).toEqual({
      driver: "postgres",
      url: "postgres://me:word@h/db",
      poolSize: 3,
      listen: false,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 15_000,
      retryTimeoutMs: 60_000,
      leaseMs: 10_000,
      sharedSchema: false,
      maxAgeMs: 90 * 24 * 3_600_000,
    });
    expect(given({ driver: "memory" }).storage).toMatchObject({ driver: "memory" });
    const env = { MCP_PLATFORM_CHAT__STORAGE__URL: "postgresql://h/other\n" };
    expect(loadConfig({}, { env }).config.chat.storage).toMatchObject({
      driver: "postgres",
      url: "postgresql://h/other",
    });
  });

  test.each([
    [{ url: "mysql://h/db" }, /chat\.storage\.url: .*postgres:\/\/user:password@host:5432\/name/],
    [{ url: "me:word@h/db" }, /^(?!.*me:word)/],
    [{ driver: "postgres" }, /chat\.storage\.driver: driver postgres needs chat\.storage\.url/],
  ])("%j is refused", (storage, message) => {
    expect(() => loadConfig({ chat: { storage } }, { env: {} })).toThrow(message);
  });

  test("a price may have all kinds of cached tokens", () => {
    const rates = { input: 1, output: 5, cached_input: 0.1, cache_write: 1.25, cache_write_1h: 2 };
    const prices = { m: { input: 1, output: 5, cachedInput: 0.1, cacheWrite: 1.25, cacheWrite1h: 2 } };
    expect(loadConfig({ llm: { prices: { m: rates } } }, { env: {} }).config.llm.prices).toEqual(prices);
  });

  test("can be given as an object, which is not changed", () => {
    const given = { llm: { providers: { groq: { headers: { b: "c" } } } }, chat: { storage: { driver: "memory" } } };
    const { config, file } = loadConfig(given, { env: {} });
    expect(file).toBe("(config)");
    expect(config.chat.storage).toEqual({ driver: "memory" });
    expect(Object.isFrozen(given.llm.providers.groq.headers)).toBe(false);
  });

  test("is deeply frozen", () => {
    const { config } = loadText("mcpServers: { a: { command: x } }");
    expect(() => Object.assign(config.mcpServers[0]?.tools ?? {}, { allow: ["*"] })).toThrow(TypeError);
    expect(() => Object.assign(config.llm.http, { maxRetries: 9 })).toThrow(TypeError);
  });
});

describe("providers", () => {
  test("have our names, times in milliseconds, and their free-form parts unchanged", () => {
    const { config } = loadText(
      `
llm:
  providers:
    mine:
      base_url: http://127.0.0.1:1/v1
      api_key: "\${KEY}"
      headers: { X-Some_Header: a }
      timeout: 1.5
      ttft_timeout: 120
      max_tokens: 10
      top_p: 0.5
      context_window: 1000
      reasoning: { effort: low }
      extra_body: { some_flag: true, read_timeout: 3, note: "\${KEY}" }
`,
      { env: { KEY: "k" } },
    );
    expect(config.llm.providers.mine).toEqual({
      baseUrl: "http://127.0.0.1:1/v1",
      apiKey: "k",
      headers: { "X-Some_Header": "a" },
      timeoutMs: 1500,
      ttftTimeoutMs: 120_000,
      maxTokens: 10,
      topP: 0.5,
      contextWindow: 1000,
      reasoning: { effort: "low" },
      extraBody: { some_flag: true, read_timeout: 3, note: "k" },
    });
  });
});

describe("precedence", () => {
  const text = "llm: { active: groq, http: { max_retries: 1, timeout: 10 }, fallback: [openai] }\n";

  test("flags win over the environment, which wins over the file, which wins over defaults", () => {
    const env = { MCP_PLATFORM_LLM__ACTIVE: "env", MCP_PLATFORM_LLM__HTTP__MAX_RETRIES: "2" };
    const { config } = loadText(text, { env, overrides: { llm: { active: "mistral" } } });
    expect(config.llm.active).toBe("mistral");
    expect(config.llm.http.maxRetries).toBe(2);
    expect(config.llm.http.timeoutMs).toBe(10_000);
    expect(config.llm.http.maxConnections).toBe(100);
  });

  test("a flag that is not given does not override anything", () => {
    expect(loadText(text, { overrides: { llm: { active: undefined } } }).config.llm.active).toBe("groq");
  });

  test("values of the environment are read as YAML, except where a text is expected", () => {
    const env = {
      MCP_PLATFORM_LLM__FALLBACK: "[groq, ollama]",
      MCP_PLATFORM_CHAT__SERVICE__STREAMING__ENABLED: "false",
      MCP_PLATFORM_LLM__PROVIDERS__GROQ__MODEL: "4",
      MCP_PLATFORM_CHAT__SERVICE__SYSTEM_PROMPT: `Say: \${HOME}`,
    };
    const { config } = loadText(text, { env });
    expect(config.llm.fallback).toEqual(["groq", "ollama"]);
    expect(config.chat.service.streaming).toBe(false);
    expect(config.llm.providers.groq).toEqual({ model: "4" });
    expect(config.chat.service.systemPrompt).toBe(`Say: \${HOME}`);
  });

  test("a variable can name keys that contain other characters", () => {
    const env = { MCP_PLATFORM_MCPSERVERS__MY_SERVER_2__ENABLED: "false", MCP_PLATFORM_MCPSERVERS__JS__TIMEOUT: "5s" };
    const files = { "servers.json": '{"mcpServers":{"JS":{"command":"x"}}}' };
    const { config } = loadText("mcp: { config_file: servers.json }\nmcpServers: { my-Server.2: { command: x } }", {
      env,
      files,
    });
    expect(config.mcpServers).toMatchObject([
      { name: "JS", timeoutMs: 5000 },
      { name: "my-Server.2", enabled: false },
    ]);
  });

  test("empty variables and variables without a double underscore are ignored", () => {
    const env = { MCP_PLATFORM_CONFIG: "x.yaml", MCP_PLATFORM_NONSENSE: "1", MCP_PLATFORM_LLM__ACTIVE: "" };
    expect(loadText(text, { env }).config.llm.active).toBe("groq");
  });
});

describe("placeholders", () => {
  test("work in every text, and become numbers and booleans where those are expected", () => {
    const { config } = loadText(
      `
llm: { http: { max_retries: "\${RETRIES:-5}" } }
mcpServers:
  fs:
    command: \${BIN}
    args: [--root, "\${HOME}/x", "\${PORT}"]
    enabled: \${FS:-true}
    timeout: \${T:-5s}
`,
      { env: { BIN: "npx", PORT: "80" } },
    );
    expect(config.llm.http.maxRetries).toBe(5);
    expect(config.mcpServers[0]).toMatchObject({
      command: "npx",
      args: ["--root", "/home/me/x", "80"],
      enabled: true,
      timeoutMs: 5000,
    });
  });

  test("of a disabled server need no value", () => {
    const servers = `mcpServers:\n  a: { url: "\${NOPE}", enabled: false }\n  b: { command: "\${NOPE}", disabled: true }\n`;
    expect(loadText(servers).config.mcpServers).toMatchObject([{ enabled: false }, { enabled: false }]);
  });

  test("in overridden values need no value", () => {
    const text = `llm:\n  active: \${NOPE}\n`;
    expect(loadText(text, { overrides: { llm: { active: "groq" } } }).config.llm.active).toBe("groq");
  });
});

describe("servers", () => {
  test("have all their defaults", () => {
    expect(
      loadText("mcpServers: { fs: { command: npx }, web: { url: 'https://example.com/mcp' } }").config.mcpServers,
    ).toEqual([
      {
        name: "fs",
        transport: "stdio",
        command: "npx",
        args: [],
        env: {},
        maxMessageMb: 64,
        cwd: undefined,
        enabled: true,
        required: false,
        trusted: false,
        timeoutMs: 60_000,
        maxTotalTimeoutMs: 600_000,
        startupTimeoutMs: 30_000,
        startupGraceMs: 10_000,
        lazy: false,
        pingIntervalMs: 30_000,
        protocol: "auto",
        sampling: "ask",
        roots: [],
        tools: { allow: [], deny: [], autoApprove: [], timeoutsMs: {} },
      },
      expect.objectContaining({ name: "web", transport: "auto", url: "https://example.com/mcp", headers: {} }),
    ]);
  });

  test.each([
    ["http", "http"],
    ["sse", "sse"],
    ["streamable-http", "http"],
    ["streamableHttp", "http"],
  ])("of type %s speak %s", (type, transport) => {
    expect(loadText(`mcpServers: { a: { type: ${type}, url: "http://h/" } }`).config.mcpServers).toMatchObject([
      { transport },
    ]);
  });

  test("can be written as for other hosts", () => {
    const text = `mcpServers:
  a: { command: x, disabled: true, alwaysAllow: [read], startupTimeout: 5000 }
  b: { command: x, disabled: false, autoApprove: [read], tools: { deny: [write] } }
  c: { command: x, enabled: true, disabled: true, tools: { auto_approve: [ours] }, autoApprove: [theirs] }
`;
    expect(loadText(text).config.mcpServers).toMatchObject([
      { enabled: false, startupTimeoutMs: 5000, tools: { allow: [], autoApprove: ["read"] } },
      { enabled: true, tools: { deny: ["write"], autoApprove: ["read"] } },
      { enabled: true, tools: { autoApprove: ["ours"] } },
    ]);
  });

  test("get the variables of their env_file, which env overrides", () => {
    const files = { "secrets/.env": "A=1\nexport B='two words'\n# C=3\n" };
    const text = "mcpServers: { a: { command: x, envFile: secrets/.env, env: { A: own } } }";
    expect(loadText(text, { files }).config.mcpServers).toMatchObject([{ env: { A: "own", B: "two words" } }]);
  });

  test("can come from a JSON file, but the configuration's server of the same name wins", () => {
    const servers = { both: { command: "json", args: ["x"] }, json: { type: "http", url: "http://127.0.0.1" } };
    const files = { "servers.json": JSON.stringify({ other: 1, mcpServers: servers }) };
    const { config } = loadText("mcp: { config_file: servers.json }\nmcpServers: { both: { command: yaml } }", {
      files,
    });
    expect(config.mcpServers).toMatchObject([
      { name: "json", transport: "http" },
      { name: "both", command: "yaml", args: [] },
    ]);
  });
});

describe("a relative path", () => {
  const text =
    "chat: { storage: { path: a.db } }\nmcp: { config_file: list/servers.json }\nmcpServers: { a: { command: x, cwd: work } }\n";
  const files = {
    "conf/config.yaml": text,
    "conf/list/servers.json": '{"mcpServers":{"b":{"command":"x","cwd":"work"}}}',
  };

  test("in a file is relative to the file's folder", () => {
    using folder = folderWith(files);
    const { config } = loadConfig("conf/config.yaml", { env: {}, cwd: folder.path });
    expect(config.chat.storage).toMatchObject({ driver: "sqlite", path: join(folder.path, "conf/a.db") });
    expect(config.mcpServers).toMatchObject([
      { name: "b", cwd: join(folder.path, "conf/list/work") },
      { name: "a", cwd: join(folder.path, "conf/work") },
    ]);
  });

  test("in a flag or a variable is relative to the working directory", () => {
    using folder = folderWith({ ...files, "servers.json": '{"mcpServers":{"c":{"command":"x"}}}' });
    const { config } = loadConfig("conf/config.yaml", {
      env: { MCP_PLATFORM_CHAT__STORAGE__PATH: "b.db" },
      cwd: folder.path,
      overrides: { mcp: { config_file: "servers.json" } },
    });
    expect(config.chat.storage).toMatchObject({ driver: "sqlite", path: join(folder.path, "b.db") });
    expect(config.mcpServers.map(({ name }) => name)).toEqual(["b", "a", "c"]);
  });

  test("with a tilde begins at the home folder", () => {
    const { config } = loadText("chat: { storage: { path: ~/a.db } }");
    expect(config.chat.storage).toMatchObject({ driver: "sqlite", path: "/home/me/a.db" });
  });
});

test("tool_notifications accepts a boolean and the original object", () => {
  const notifications = (value: string) =>
    loadText(`chat: { service: { tool_notifications: ${value} } }`).config.chat.service.toolNotifications;
  expect(["true", "false", "{ enabled: false }", "{ enabled: true }", "{}"].map(notifications)).toEqual([
    true,
    false,
    false,
    true,
    true,
  ]);
});

test("the repository's config.yaml loads without a key", () => {
  expect(errorsOf(() => loadConfig("config.yaml", { env: {} }))).toEqual([]);
  const { config } = loadConfig("config.yaml", { env: {} });
  expect(config.llm.active).toBeUndefined();
  expect(config.mcpServers).toEqual([]);
});

describe("a configuration laid over another one", () => {
  const more = (tree: Record<string, unknown>) => objectSource(tree, "/work", "a.session.yaml");

  test("overrides file and environment, and leaves the rest as it is", () => {
    const loaded = loadText("logging: { level: info }\nchat: { service: { max_tool_hops: 3 } }\n", {
      env: { MCP_PLATFORM_LOGGING__LEVEL: "warn" },
    });
    const { config } = loaded.with(more({ logging: { level: "debug" } }));
    expect([config.logging.level, config.chat.service.maxToolHops]).toEqual(["debug", 3]);
    expect(loaded.config.logging.level).toBe("warn");
  });

  test("replaces all servers if it has any", () => {
    const loaded = loadText("mcpServers: { a: { command: a } }\n");
    const names = (tree: Record<string, unknown>) => loaded.with(more(tree)).config.mcpServers.map(({ name }) => name);
    expect([names({}), names({ mcpServers: { b: { command: "b" } } }), names({ mcpServers: {} })]).toEqual([
      ["a"],
      ["b"],
      [],
    ]);
  });

  test("has errors under its own name", () => {
    const tree = { mcpServers: { b: { command: "b", env: { A: "${NOT_SET}" } } } };
    const loaded = loadText("");
    expect(errorsOf(() => loaded.with(more(tree)))).toEqual([
      expect.stringMatching(/^a\.session\.yaml mcpServers\.b\.env\.A: environment variable NOT_SET is not set/),
    ]);
    expect(loaded.with(more(tree), { allowsUnset: true }).config.mcpServers).toHaveLength(1);
  });
});
