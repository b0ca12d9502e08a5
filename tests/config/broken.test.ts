import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { loadConfig } from "../../src/config/reading/load.js";
import { errorsOf, folderWith, loadText } from "./folder.js";

/** Name, file and every line of the error. */
const broken: [string, string, string[]][] = [
  [
    "an unknown key at the top names the one that was meant",
    "loging: { level: debug }",
    ['config.yaml:1:1 loging: unknown key "loging" (did you mean "logging"?)'],
  ],
  [
    "an unknown key that resembles nothing lists what there is",
    "llm:\n  temperature: 1\n",
    [
      'config.yaml:2:3 llm.temperature: unknown key "temperature" (known here: active, fallback, stream_recovery, http, prices, providers)',
    ],
  ],
  [
    "a setting that there was in earlier builds says what to do",
    "serve:\n  advertise: http://10.0.0.5:8642\n",
    [
      "config.yaml:2:3 serve.advertise: there is no such setting any more: remove it: live output reaches other hosts through the database",
    ],
  ],
  [
    "an unknown key deep down",
    "llm:\n  http:\n    maxRetries: 3\n",
    ['config.yaml:3:5 llm.http.maxRetries: unknown key "maxRetries" (did you mean "max_retries"?)'],
  ],
  [
    "names that no provider has",
    "llm:\n  active: opnai\n  fallback:\n    - groq/some-model\n    - nobody/some-model\n",
    [
      'config.yaml:2:11 llm.active: no provider is called "opnai" (did you mean "openai"?): configure it in llm.providers',
      expect.stringMatching(
        /^config\.yaml:5:7 llm\.fallback\[1\]: no provider is called "nobody" \(known: .*groq/,
      ) as unknown as string,
    ],
  ],
  [
    "a provider without an address",
    "llm:\n  providers:\n    mine: { model: m }\n    groq: { model: m }\n    azure: { model: m }\n    demo: { model: m }\n",
    ["mine", "azure"].map(
      (name, index) =>
        `config.yaml:${3 + 2 * index}:5 llm.providers.${name}: needs \`base_url\`, the address of its API, ` +
        "because no preset has this name",
    ),
  ],
  [
    "a text where a number belongs",
    "llm:\n  http:\n    timeout: abc\n",
    ['config.yaml:3:14 llm.http.timeout: expected number, got string "abc"'],
  ],
  [
    "a unit where seconds have none, in a file with a byte order mark",
    "\uFEFFllm: { http: { timeout: 30s } }",
    ['config.yaml:1:25 llm.http.timeout: expected number, got string "30s" (a plain number of seconds)'],
  ],
  [
    "a number out of range",
    "llm: { http: { retry_jitter: 4, timeout: 0, max_connections: 0 } }",
    [
      "config.yaml:1:30 llm.http.retry_jitter: expected number from 0 to 1, got number 4",
      "config.yaml:1:42 llm.http.timeout: expected number above 0, up to 86400, got number 0",
      "config.yaml:1:62 llm.http.max_connections: expected integer of at least 1, got number 0",
    ],
  ],
  [
    "a fraction where a whole number belongs",
    "chat: { service: { max_tool_hops: 1.5 } }",
    ["config.yaml:1:35 chat.service.max_tool_hops: expected integer, got number 1.5"],
  ],
  [
    "infinity",
    "llm: { http: { timeout: .inf } }",
    ["config.yaml:1:25 llm.http.timeout: expected number, got number Infinity"],
  ],
  [
    "a word that is no choice lists the choices",
    "logging:\n  level: verbose\n",
    ['config.yaml:2:10 logging.level: expected one of debug, info, warn, error, silent, got string "verbose"'],
  ],
  [
    "yes, which is a text in YAML 1.2",
    "chat:\n  service:\n    streaming:\n      enabled: yes\n",
    ['config.yaml:4:16 chat.service.streaming.enabled: expected true or false, got string "yes"'],
  ],
  [
    "a shape that tool_notifications never had",
    "chat: { service: { tool_notifications: { enable: true } } }",
    ['config.yaml:1:42 chat.service.tool_notifications.enable: unknown key "enable" (did you mean "enabled"?)'],
  ],
  [
    "a list where a mapping belongs",
    "mcpServers:\n  - fs\n",
    ["config.yaml:2:3 mcpServers: expected mapping, got list"],
  ],
  ["a file that is a list", "- a\n", ["config.yaml:1:1: expected a mapping, got a list"]],
  ["a file that is a text", "hello\n", ["config.yaml:1:1: expected a mapping, got a text"]],
  [
    "two documents",
    "llm: {}\n---\nllm: {}\n",
    ["config.yaml:1:1: expected one YAML document, found a second one after ---"],
  ],
  [
    "YAML that does not parse",
    "llm:\n  active: a: b\n",
    ["config.yaml:2:12: not valid YAML: bad indentation of a mapping entry"],
  ],
  ["a quote that nobody closed", "a: 'x\n", ["config.yaml:2:1: not valid YAML: deficient indentation"]],
  [
    "a placeholder without quotes in a flow mapping",
    `a: { b: \${NAME} }
`,
    [
      `config.yaml:1:10: not valid YAML: missed comma between flow collection entries (a text with \${…} needs quotes here)`,
    ],
  ],
  ["a key written twice", "llm: {}\nlogging: {}\nllm: {}\n", ['config.yaml:3:1: duplicate key "llm"']],
  [
    "an alias inside its anchor",
    "llm: &a\n  http: *a\n",
    ["config.yaml:1:1: an alias (*name) stands inside its own anchor (&name)"],
  ],
  [
    "a variable that is not set",
    `llm:\n  providers:\n    groq:\n      api_key: "\${MY_KEY}"\n`,
    [
      `config.yaml:4:16 llm.providers.groq.api_key: environment variable MY_KEY is not set (set it, or write \${MY_KEY:-default})`,
    ],
  ],
  [
    "a placeholder of another program",
    `mcpServers:\n  fs:\n    command: \${input:program}\n`,
    [
      `config.yaml:3:14 mcpServers.fs.command: malformed placeholder: write \${NAME}, \${NAME:-default} or \${env:NAME}, and $\${ for a literal \${`,
    ],
  ],
  [
    "a server with the name of the host's own tools",
    "mcpServers:\n  host:\n    command: npx\n",
    [
      "config.yaml:2:3 mcpServers.host: the name host belongs to the host's own tools, such as host__read_resource: give the server another name",
    ],
  ],
  [
    "a server with nothing to reach it by",
    "mcpServers:\n  fs:\n    args: [-y]\n",
    ["config.yaml:2:3 mcpServers.fs: needs `command` (stdio) or `url` (http)"],
  ],
  [
    "a server that is only a name",
    "mcpServers:\n  fs:\n",
    ["config.yaml:2:3 mcpServers.fs: needs `command` (stdio) or `url` (http)"],
  ],
  [
    "a server with a misspelt command",
    "mcpServers:\n  fs:\n    comand: npx\n",
    [
      "config.yaml:2:3 mcpServers.fs: needs `command` (stdio) or `url` (http)",
      'config.yaml:3:5 mcpServers.fs.comand: unknown key "comand" (did you mean "command"?)',
    ],
  ],
  [
    "a server that is reached in two ways",
    "mcpServers:\n  fs: { command: npx, url: http://127.0.0.1 }\n",
    ["config.yaml:2:3 mcpServers.fs: has both `command` (stdio) and `url` (http): keep one"],
  ],
  [
    "a type that contradicts the rest",
    "mcpServers:\n  a: { type: http, command: npx }\n  b: { type: stdio, url: http://127.0.0.1 }\n",
    [
      "config.yaml:2:3 mcpServers.a: type http needs `url`, not `command`",
      "config.yaml:3:3 mcpServers.b: type stdio needs `command`, not `url`",
    ],
  ],
  [
    "a type that nobody speaks",
    "mcpServers:\n  a: { type: websocket, url: http://127.0.0.1 }\n",
    ['config.yaml:2:14 mcpServers.a.type: expected one of stdio, http, sse, got string "websocket"'],
  ],
  [
    "a type that every object has as a property",
    "mcpServers:\n  a: { type: constructor, command: npx }\n",
    ['config.yaml:2:14 mcpServers.a.type: expected one of stdio, http, sse, got string "constructor"'],
  ],
  [
    "a url that is none",
    "mcpServers:\n  a: { url: localhost:3000 }\nllm: { providers: { b: { base_url: 'http://' } } }\n",
    [
      "config.yaml:2:13 mcpServers.a.url: expected an http:// or https:// URL",
      "config.yaml:3:36 llm.providers.b.base_url: expected an http:// or https:// URL",
    ],
  ],
  [
    "a time without a unit, or with an odd one",
    'mcpServers:\n  a: { command: x, timeout: "30", startup_timeout: 5 parsecs, startup_grace: -1, max_total_timeout: 0s }\n',
    [
      'config.yaml:2:29 mcpServers.a.timeout: expected milliseconds or a duration such as "30s", "5m" or "500ms", got string "30"',
      'config.yaml:2:52 mcpServers.a.startup_timeout: expected milliseconds or a duration such as "30s", "5m" or "500ms", got string "5 parsecs"',
      'config.yaml:2:78 mcpServers.a.startup_grace: expected milliseconds or a duration such as "30s", "5m" or "500ms" from 0 to 86400000, got number -1',
      'config.yaml:2:101 mcpServers.a.max_total_timeout: expected milliseconds or a duration such as "30s", "5m" or "500ms" from 1 to 86400000, got number 0',
    ],
  ],
  [
    "an age in words",
    "chat:\n  storage: { max_age: 3 months }\n",
    ['config.yaml:2:23 chat.storage.max_age: expected a duration such as "90d", "12h" or "30m", got string "3 months"'],
  ],
  [
    "a number among the arguments",
    "mcpServers:\n  a:\n    command: x\n    args:\n      - --port\n      - 8080\n",
    ["config.yaml:6:9 mcpServers.a.args[1]: expected string, got number (put it in quotes)"],
  ],
  [
    "another host's key with the wrong value is named as written",
    "mcpServers:\n  a: { command: x, autoApprove: all, disabled: no }\n",
    [
      "config.yaml:2:33 mcpServers.a.autoApprove: expected list, got string",
      'config.yaml:2:48 mcpServers.a.disabled: expected true or false, got string "no"',
    ],
  ],
  ["a short token", "serve: {token: abc}", ["config.yaml:1:16 serve.token: must have at least 16 characters"]],
  ["an empty name", "llm: { active: '' }", ["config.yaml:1:16 llm.active: must not be empty"]],
  [
    "a key that would poison a prototype",
    "__proto__: { llm: 1 }\n",
    [
      'config.yaml:1:1 __proto__: unknown key "__proto__" (known here: llm, chat, serve, logging, telemetry, mcp, mcpServers)',
    ],
  ],
  [
    "an env_file that is not there",
    "mcpServers:\n  a: { command: x, env_file: .env }\n",
    ["config.yaml:2:30 mcpServers.a.env_file: .env: no such file"],
  ],
  [
    "a server list that is not there",
    "mcp:\n  config_file: servers.json\n",
    ["config.yaml:2:16 mcp.config_file: servers.json: no such file"],
  ],
];

describe("a broken configuration gives one line for each error, with its place", () => {
  test.each(broken)("%s", (_, text, lines) => {
    expect(errorsOf(() => loadText(text))).toEqual(lines);
  });

  test("all errors are reported at once, in the order of the file", () => {
    const text = `llm:\n  http: { timeout: x }\n  activ: a\nmcpServers:\n  a: { command: "\${NOPE}" }\n  b: {}\n`;
    expect(errorsOf(() => loadText(text)).map((line) => line.split(" ", 2).join(" "))).toEqual([
      "config.yaml:2:20 llm.http.timeout:",
      "config.yaml:3:3 llm.activ:",
      "config.yaml:5:17 mcpServers.a.command:",
      "config.yaml:6:3 mcpServers.b:",
    ]);
  });

  test("a missing file is reported with what to do about it", () => {
    using folder = folderWith({});
    expect(errorsOf(() => loadConfig("config.yaml", { env: {}, cwd: folder.path }))).toEqual([
      "config.yaml: no such file (`mcp-platform config init` prints one to start from)",
    ]);
  });

  test("a folder in place of the file is an error", () => {
    using folder = folderWith({});
    mkdirSync(join(folder.path, "config.yaml"));
    expect(errorsOf(() => loadConfig("config.yaml", { env: {}, cwd: folder.path }))).toEqual([
      "config.yaml: is a folder, not a file (`mcp-platform config init` prints one to start from)",
    ]);
  });

  test("a file outside the working folder is named by its absolute path", () => {
    using folder = folderWith({ "there/config.yaml": "x: 1\n", "here/nothing": "" });
    const [line] = errorsOf(() => loadConfig("../there/config.yaml", { env: {}, cwd: join(folder.path, "here") }));
    expect(line).toMatch(`${folder.path}/there/config.yaml:1:1 x: unknown key "x"`);
  });

  test("errors of an object have no lines", () => {
    expect(errorsOf(() => loadConfig({ llm: { http: { timeout: "x" } } }, { env: {} }))).toEqual([
      '(config) llm.http.timeout: expected number, got string "x"',
    ]);
  });

  test("errors in the environment and in flags name the variable and the flag", () => {
    const env = { MCP_PLATFORM_LLM__HTTP__MAX_RETRYS: "3", MCP_PLATFORM_LOGGING__LEVEL: "loud" };
    expect(errorsOf(() => loadText("", { env, overrides: { chat: { service: { max_tool_hops: 0 } } } }))).toEqual([
      'env MCP_PLATFORM_LLM__HTTP__MAX_RETRYS llm.http.max_retrys: unknown key "max_retrys" (did you mean "max_retries"?)',
      'env MCP_PLATFORM_LOGGING__LEVEL logging.level: expected one of debug, info, warn, error, silent, got string "loud"',
      "flag chat.service.max_tool_hops: expected integer from 1 to 1000, got number 0",
    ]);
  });

  test("errors in a JSON list of servers have their place in that file", () => {
    const files = { "servers.json": '{\n\t"mcpServers": {\n\t\t"js": { "command": "x", "timeot": 5 }\n\t}\n}\n' };
    expect(errorsOf(() => loadText("mcp: { config_file: servers.json }", { files }))).toEqual([
      'servers.json:3:27 mcpServers.js.timeot: unknown key "timeot" (did you mean "timeout"?)',
    ]);
  });

  test("a JSON list of servers that cannot be parsed does not hide the other errors", () => {
    const files = { "servers.json": '{ "mcpServers": {\n' };
    expect(errorsOf(() => loadText("mcp: { config_file: servers.json }\nx: 1\n", { files }))).toEqual([
      'config.yaml:2:1 x: unknown key "x" (known here: llm, chat, serve, logging, telemetry, mcp, mcpServers)',
      "servers.json:2:1: not valid YAML: unexpected end of the stream within a flow collection",
    ]);
  });

  test("a JSON file without servers says so", () => {
    const files = { "servers.json": '{ "servers": {} }' };
    expect(errorsOf(() => loadText("mcp: { config_file: servers.json }", { files }))).toEqual([
      'config.yaml:1:21 mcp.config_file: servers.json has no "mcpServers"',
    ]);
  });
});

describe("no error message repeats a secret", () => {
  const secret = "s3cr3t";
  const leaky: [string, string][] = [
    ["a key of the wrong type", `llm: { providers: { a: { api_key: [${secret}] } } }`],
    ["a key that YAML takes for an alias", `llm: { providers: { a: { api_key: *${secret} } } }`],
    ["a key that YAML takes for a tag", `llm: { providers: { a: { api_key: !${secret} x } } }`],
    ["headers as one text", `mcpServers: { a: { url: "http://x", headers: "Authorization: ${secret}" } }`],
    ["env as a list", `mcpServers: { a: { command: x, env: ["KEY=${secret}"] } }`],
    ["arguments as one text", `mcpServers: { a: { command: x, args: "--token ${secret}" } }`],
    ["a number among arguments", "mcpServers: { a: { command: x, args: [--pin, 4711] } }"],
    ["a url that is none", `mcpServers: { a: { url: "htp://me:${secret}@host" } }`],
    ["a provider that is its key", `llm: { providers: { openai: ${secret} } }`],
    ["a broken placeholder", `llm: { providers: { a: { api_key: "\${${secret}" } } }`],
    ["a quote that nobody closed", `llm: { providers: { a: { api_key: "${secret} } } }`],
    ["a variable in the wrong place", `llm: { http: { timeout: "\${KEY}" } }`],
  ];

  test.each(leaky)("%s", (_, text) => {
    const lines = errorsOf(() => loadText(text, { env: { KEY: secret } }));
    expect(lines).not.toEqual([]);
    expect(lines.join("\n")).not.toMatch(/s3cr3t|4711/);
  });
});

test("a pipe or device in place of a found file is not read unless the user has named it", () => {
  using folder = folderWith({
    "config.yaml": "mcp: { config_file: zero.json }",
    "env.yaml": "mcpServers: { a: { command: x, env_file: fifo } }",
  });
  symlinkSync("/dev/zero", join(folder.path, "zero.json"));
  execFileSync("sh", ["-c", "mkfifo fifo"], { cwd: folder.path });
  const load = (file: string, isFound = true) =>
    errorsOf(() => loadConfig(file, { env: {}, cwd: folder.path, isFound }));
  expect(load("fifo")).toEqual([expect.stringMatching(/^fifo: is a pipe or a device, not a file/)]);
  expect(load("zero.json")).toEqual([expect.stringMatching(/^zero\.json: is a pipe or a device, not a file/)]);
  expect(load("config.yaml")).toEqual([
    expect.stringMatching(/^config\.yaml:1:\d+ mcp\.config_file: zero\.json: is a pipe/),
  ]);
  expect(load("env.yaml")).toEqual([
    expect.stringMatching(/^env\.yaml:1:\d+ mcpServers\.a\.env_file: fifo: is a pipe/),
  ]);
  expect(load("/dev/null", false)).toEqual([]);
});
