import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { load } from "js-yaml";
import { configTable } from "../../scripts/config-table.js";
import { initText, schemaText, showConfig, validText } from "../../src/config/config-text.js";
import { schemaFile } from "../../src/config/schema/config-schema.js";
import { errorsOf, loadText } from "./folder.js";

const configText = `llm:
  active: groq
  providers:
    groq: { api_key: "\${K}", base_url: "https://me:hidden1@h.example/v1?key=hidden2", extra_body: { api_token: hidden13 } }
mcpServers:
  fs:
    command: npx
    args: [-y, pkg, --token, hidden3, --api-key=hidden4, "Authorization: Bearer hidden5", "postgres://me:hidden6@h/db"]
    env: { HOME_PAGE: hidden7 }
    cwd: "\${HOME}/work"
    env_file: .env
  web:
    url: https://h.example/mcp?token=hidden8
    headers: { X-Harmless: hidden9 }
  tok: { command: run, args: ["\${MY_TOKEN}", "\${HOME}", "--dsn=\${DSN}", --pass, hidden17] }
chat: { storage: { url: "postgres://me:hidden14@db.example:5433/chats?password=hidden15" } }
`;
const given = {
  env: { K: "hidden10", MY_TOKEN: "hidden11", DSN: "hidden16", MCP_PLATFORM_LLM__HTTP__MAX_RETRIES: "5" },
  overrides: { logging: { level: "debug" } },
  files: { ".env": "X=hidden12\n" },
};

describe("config show", () => {
  test("prints the values in effect and none of the secrets", () => {
    const text = showConfig(loadText(configText, given));
    expect(text).not.toMatch(/hidden/);
    expect(load(text)).toMatchObject({
      llm: {
        active: "groq",
        http: { max_retries: 5, timeout: 30 },
        providers: { groq: { api_key: "***", base_url: "https://***@h.example/v1?***" } },
      },
      chat: { storage: { url: "postgres://***@db.example:5433/chats?***" } },
      logging: { level: "debug" },
      mcpServers: {
        fs: {
          args: ["-y", "pkg", "--token", "***", "--api-key=***", "Authorization: ***", "postgres://***@h/db"],
          env: { HOME_PAGE: "***", X: "***" },
          cwd: "/home/me/work",
          timeout: 60_000,
        },
        web: { url: "https://h.example/mcp?***", headers: { "X-Harmless": "***" } },
        tok: { args: ["***", "/home/me", "***", "--pass", "***"] },
      },
    });
  });

  test("marks settings, whole lists and servers that are not confirmed", () => {
    const text =
      "chat: { service: { approval: auto, permissions: { allow: [a.b] } } }\nmcpServers: { s: { command: run } }\n";
    const unconfirmed = ["/chat/service/approval", "/chat/service/permissions/allow", "/mcpServers/s"];
    const shown = (options: object) => showConfig(loadText(text), { unconfirmed, ...options }).split("\n");
    expect(shown({}).filter((line) => line.includes("#"))).toEqual([
      "    approval: auto # not confirmed yet, so it has no effect",
      "      allow: [a.b] # not confirmed yet, so it has no effect",
      "  s: # not confirmed yet, so it has no effect",
    ]);
    expect(shown({ origin: true })).toContain(
      "    approval: auto # config.yaml:1, not confirmed yet, so it has no effect",
    );
    expect(load(shown({}).join("\n"))).toMatchObject({ chat: { service: { approval: "auto" } } });
  });

  test("says where each value comes from", () => {
    const lines = showConfig(loadText(configText, given), { origin: true }).split("\n");
    expect(lines).toContain("  active: groq # config.yaml:2");
    expect(lines).toContain("    max_retries: 5 # env MCP_PLATFORM_LLM__HTTP__MAX_RETRIES");
    expect(lines).toContain("    timeout: 30 # default");
    expect(lines).toContain("  level: debug # flag");
    expect(lines).toContain("    command: npx # config.yaml:7");
    expect(lines).toContain("    timeout: 60000 # default");
    expect(lines).toContain("      X: '***' # config.yaml:11");
  });

  test("shows what presets add, which no file contains", () => {
    const providers = "groq: { temperature: 1 }, ollama: { wire: responses, base_url: 'http://a/v1' }";
    const text = showConfig(loadText(`llm: { active: mistral, providers: { ${providers} } }`), { origin: true });
    expect(text.split("\n").filter((line) => line.startsWith("#"))).toEqual([
      "# llm.providers.mistral.base_url: https://api.mistral.ai/v1 # the preset mistral",
      "# llm.providers.mistral.wire: chat # the preset mistral",
      expect.stringMatching(/^# llm\.providers\.mistral\.model: .+ # the preset mistral$/),
      "# llm.providers.groq.base_url: https://api.groq.com/openai/v1 # the preset groq",
      "# llm.providers.groq.wire: chat # the preset groq",
      expect.stringMatching(/^# llm\.providers\.groq\.model: .+ # the preset groq$/),
      expect.stringMatching(/^# llm\.providers\.ollama\.model: .+ # the preset ollama$/),
    ]);
  });

  test("names the JSON file that a server came from", () => {
    const files = { "servers.json": '{\n  "mcpServers": {\n    "js": {\n      "command": "x"\n    }\n  }\n}\n' };
    const loaded = loadText("mcp: { config_file: servers.json }", { files });
    expect(showConfig(loaded, { origin: true })).toContain("command: x # servers.json:4");
  });

  test("keeps a text of several lines on one line", () => {
    const loaded = loadText("chat:\n  service:\n    system_prompt: |\n      one\n      two # three\n");
    const text = showConfig(loaded, { origin: true });
    expect(text).toContain('system_prompt: "one\\ntwo # three\\n" # config.yaml:3');
    expect(load(text)).toMatchObject({ chat: { service: { system_prompt: "one\ntwo # three\n" } } });
  });

  test("prints a configuration that loads to the same values", () => {
    const loaded = loadText(
      "llm: { active: groq }\nmcpServers: { fs: { command: npx, args: ['yes', '5', '# x', ''] } }",
    );
    expect(loadText(showConfig(loaded)).config).toEqual(loaded.config);
  });
});

test("config validate counts the servers and names the provider", () => {
  expect(validText(loadText(configText, given))).toBe("config.yaml: ok (3 servers, provider groq)\n");
  expect(validText(loadText("mcpServers: { a: { command: x } }"))).toBe(
    "config.yaml: ok (1 server, provider chosen at start)\n",
  );
});

test("config schema prints the published file", () => {
  expect(JSON.parse(schemaText())).toMatchObject({ title: "MCP-Platform configuration" });
});

describe("config init", () => {
  test("names the installed schema for the editor", () => {
    expect(initText().split("\n", 1)).toEqual([`# yaml-language-server: $schema=${schemaFile}`]);
  });

  test("writes the config.yaml of the repository", () => {
    expect(readFileSync("config.yaml", "utf8")).toBe(initText("./src/config/config.schema.json"));
  });

  test("shows examples that are valid once they are uncommented", () => {
    const text = initText()
      .replace("mcpServers: {}", "mcpServers:")
      .replaceAll(/^(\s*)# ?(?=\s*\w+:)/gm, "$1");
    const files = { ".mcp.json": '{"mcpServers":{}}' };
    const load = () => loadText(text, { env: { EVERYTHING_TOKEN: "t", MY_LLM_KEY: "k" }, files });
    expect(errorsOf(load)).toEqual([]);
    expect(load().config).toMatchObject({
      llm: { active: "openai", providers: { mine: { apiKey: "k" } } },
      mcpServers: [{ name: "filesystem", timeoutMs: 30_000 }, { name: "everything" }],
    });
  });
});

test("the table of settings has a row for every key", () => {
  const rows = configTable(JSON.parse(schemaText()))
    .split("\n")
    .filter((line) => line.startsWith("|"));
  expect(rows.slice(0, 2)).toEqual(["| key | default | meaning |", "|---|---|---|"]);
  expect(rows).toContain("| `llm.http.max_retries` | `3` | Attempts after the first one; 0 turns retrying off. |");
  expect(rows).toContain(
    "| `chat.service.approval` | `ask` | What happens to a call that no rule decides: ask, or auto, which runs it. One of `ask`, `auto`. |",
  );
  expect(rows.some((row) => row.startsWith("| `mcpServers.<name>.tools.auto_approve` | `[]` |"))).toBe(true);
  for (const row of rows) expect(row.replaceAll("\\|", "").split("|")).toHaveLength(5);
});
