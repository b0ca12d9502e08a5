import { expect, test } from "@jest/globals";
import { describeServer } from "../../src/config/consent/consent-text.js";
import { looksSecret, masked } from "../../src/config/reading/inline-secrets.js";
import { literally } from "../../src/config/reading/interpolate.js";
import { loadConfig } from "../../src/config/reading/load.js";
import { redactUrls } from "../../src/config/reading/redact-config.js";
import { configuredSecrets } from "../../src/config/reading/secrets.js";
import type { ServerConfig } from "../../src/core/config.js";
import { processorMs } from "../support/processor-time.js";

const stdio = (more: object) => ({ mcpServers: { s: { command: "x", ...more } } });

test.each([
  ["behind a flag", stdio({ args: ["--token", "secret-0123", "plain-0123"] })],
  ["in a flag", stdio({ args: ["--api-key=secret-0123", "--host=plain-0123"] })],
  ["in a header that is an argument", stdio({ args: ["--header", "Authorization: Bearer secret-0123"] })],
  ["in an argument's URL", stdio({ args: ["postgres://plain-0123:secret-0123@db/plain-0123"] })],
  ["in a URL of the environment", stdio({ env: { DATABASE_URL: "postgres://plain-0123:secret-0123@db" } })],
  ["in a server's URL", { mcpServers: { s: { url: "https://x/mcp?plain=plain-0123&api_key=secret-0123" } } }],
  ["in a provider's URL", { llm: { providers: { p: { base_url: "https://x/v1?key=secret-0123", model: "m" } } } }],
  [
    "in any header of a provider",
    {
      llm: {
        providers: {
          p: { base_url: "https://x", model: "m", headers: { "x-tenant": "secret-0123", "x-title": "plain-0123" } },
        },
      },
    },
  ],
  ["behind a short flag name", stdio({ args: ["--pass", "secret-0123", "plain-0123"] })],
  ["in any variable of a server", stdio({ env: { DB_PASS: "secret-0123", NODE_ENV: "plain-0123" } })],
  ["in a variable of a server with a harmless name", stdio({ env: { DSN: "secret-0123" } })],
  ["in JSON that is an argument", stdio({ args: ['--x={"password": "secret-0123","a":"plain-0123"}'] })],
  ["in a property that is an argument", stdio({ args: ["-Dspring.datasource.password=secret-0123"] })],
  ["in a variable that is an argument's value", stdio({ args: ["--env=API_KEY=secret-0123"] })],
  ["in a header that is an argument's value", stdio({ args: ["--header=Authorization: Bearer secret-0123"] })],
  ["in a list of pairs", stdio({ args: ["--set=user=plain-0123,password=secret-0123,mode=plain-0123"] })],
  ["in a data source", stdio({ args: ["host=plain-0123 password=secret-0123 dbname=plain-0123"] })],
  ["in YAML", stdio({ args: ["--config={token: secret-0123}"] })],
  ["in a command of a shell", stdio({ args: ["-c", 'export TOKEN="secret-0123"; start plain-0123'] })],
  ["in JSON beside a query", stdio({ args: ['{"apiKey":"secret-0123","url":"https://h/?token=other-4567"}'] })],
  ["in a header in JSON", stdio({ args: ['--headers={"Authorization": "Bearer secret-0123"}'] })],
  ["of several words", stdio({ args: ["--token=other-4567 secret-0123"] })],
  ["in a URL with an escape", { mcpServers: { s: { url: "https://x/mcp?token=secret%2D0123" } } }],
])("a secret %s is recognised", (_, config) => {
  const { config: loaded } = loadConfig(config, { env: {}, allowsUnset: true });
  const secrets = configuredSecrets(loaded, {});
  expect(secrets).toContain("secret-0123");
  expect(secrets).not.toContain("plain-0123");
});

const random = "Zq10Xw7kPv109LmT2";

test.each([
  ["a query's value of a server", { url: `https://x/mcp?plain=${random}&profile=production` }, random],
  ["a query's value in base64", { url: "https://x/mcp?a=Zq1/Xw7kPv1+9LmT2k4==" }, "Zq1/Xw7kPv1+9LmT2k4=="],
  ["an argument behind its letter", { command: "mysql", args: [`-p${random}`, "-xvf", "-p8080"] }, random],
])("%s that looks random counts as a secret, whatever its name is", (_, server, secret) => {
  const { config } = loadConfig({ mcpServers: { s: server } }, { env: {} });
  expect(configuredSecrets(config, {})).toEqual([secret]);
  expect(JSON.stringify(masked(server))).not.toContain(secret);
});

test.each([
  ['--x={"password": "secret-0123","a":"plain"}', '--x={"password": "***","a":"plain"}'],
  ["-Da.password=secret-0123", "-Da.password=***"],
  ["DRIVER={ODBC Driver 18};UID=sa;PWD=secret-0123", "DRIVER={ODBC Driver 18};UID=sa;PWD=***"],
  ['{"pwd": "secret-0123","uid":"sa"}', '{"pwd": "***","uid":"sa"}'],
  ["--set=user=sa,pwd=secret-0123", "--set=user=sa,pwd=***"],
  ["{'apiKey': 'secret-0123','a':'plain'}", "{'apiKey': '***','a':'plain'}"],
  ["--token secret-0123", "--token ***"],
  ["--pw=secret-0123", "--pw=***"],
  ["--bearer=secret-0123", "--bearer=***"],
  ["Endpoint=sb://x/;SharedAccessSignature=secret-0123", "Endpoint=sb://x/;SharedAccessSignature=***"],
  ["me:secret-0123@tcp(db:3306)/x", "me:***@tcp(db:3306)/x"],
  ["me/secret-0123@//db:1521/x", "me/***@//db:1521/x"],
  ["me:secret-0123@tcp(db)/secret-0123", "me:***@tcp(db)/***"],
  ["--signature-algorithm=RS256-0123", "--signature-algorithm=RS256-0123"],
  ["npm:long-package@1.2.3", "npm:long-package@1.2.3"],
  ["--format wide-table", "--format wide-table"],
  ["--env=API_KEY=secret-0123", "--env=API_KEY=***"],
  ["-e=TOKEN=secret-0123,secret-4567", "-e=TOKEN=***"],
  ["host=db password=secret-0123 dbname=x", "host=db password=***"],
  [`-p${random}`, "-p***"],
  ["postgres://a:b@c/d?e=f", "postgres://***@c/d?***"],
  ["auth.example.com:8080", "auth.example.com:8080"],
  ["-p8080", "-p8080"],
])("the argument %s is shown as %s", (arg, shown) => {
  expect(masked({ command: "x", args: [arg] }).args).toEqual([shown]);
});

test("an argument with thousands of names has at most a hundred secrets, besides the whole argument", () => {
  const names = Array.from({ length: 5_000 }, (_, index) => `key${index}=secret-${index}`);
  const { config } = loadConfig(stdio({ args: [`x,${names.join(",")}`] }), { env: {} });
  expect(configuredSecrets(config, {})).toHaveLength(101);
});

test("the word before a secret in a header is not a secret", () => {
  const { config } = loadConfig(
    { mcpServers: { s: { url: "https://x/mcp", headers: { Authorization: "Bearer secret-0123" } } } },
    { env: {} },
  );
  expect(configuredSecrets(config, {})).toEqual(["Bearer secret-0123", "secret-0123"]);
});

test("the token of serve is a secret", () => {
  const token = "0123456789abcdef-secret";
  const { config } = loadConfig({ serve: { token } }, { env: {} });
  expect(configuredSecrets(config, {})).toEqual([token]);
});

test("the value of a placeholder is a secret, except for paths", () => {
  const env = { DSN: "secret-0123", HOME: "/home/plain-0123", OTHER: "other-0123" };
  const { config } = loadConfig(stdio({ args: ["--dsn", "${DSN}", "${HOME}/files"] }), { env });
  expect(configuredSecrets(config, env)).toEqual(["secret-0123"]);
});

test.each([
  ["DB_PASS", true],
  ["MYSQL_PWD", true],
  ["MY_PASSPHRASE", true],
  ["SSH_ASKPASS", false],
  ["JWT_ISSUER", false],
  ["PASSENGER_ROOT", false],
])("the value of %s in the environment counts as a secret: %s", (name, isSecret) => {
  const { config } = loadConfig({}, { env: {} });
  expect(configuredSecrets(config, { [name]: "value-0123" })).toEqual(isSecret ? ["value-0123"] : []);
});

test.each(["PWD", "OLDPWD"])("the value of %s counts as a secret if it is not a path", (name) => {
  const secretsOf = (server: object) => configuredSecrets(loadConfig(stdio(server), { env: {} }).config, {});
  for (const path of ["/home/me/work", "C:\\work\\here", "~/work-0123", "./work-0123"]) {
    expect(configuredSecrets(loadConfig({}, { env: {} }).config, { [name]: path })).toEqual([]);
    expect(secretsOf({ env: { [name]: path }, args: ["-e", `${name}=${path}`] })).toEqual([]);
  }
  expect(secretsOf({ env: { [name]: "secret-0123" } })).toEqual(["secret-0123"]);
  expect(secretsOf({ args: [`UID=sa;${name}=secret-0123;Encrypt=yes`] })).toContain("secret-0123");
});

const zapier = "ZTk4Y2Q1NDItMWJhMi00YzQ3LWE5Y2";
const own = "3f2a9c1e-7b4d-4e0a-9c11-0a1b2c3d4e5f";

test.each([
  [`https://mcp.example.com/api/mcp/s/${zapier}/mcp`, [zapier]],
  [`https://example.com/${own}?x=1`, [own]],
  [`https://${zapier}@dev.azure.com/contoso`, [zapier]],
  ["https://example.com/k_0f3b9a7c5d1e2f4a6b8c/sse", ["k_0f3b9a7c5d1e2f4a6b8c"]],
  ["https://example.com/mcp/modelcontextprotocol2025/2025-11-25/v2-tools-of-many-words-4o", []],
  ["https://github.com/modelcontextprotocol/servers-archived-20250101", []],
])("a path in an address counts as a secret: %s", (url, secrets) => {
  for (const server of [{ url }, { command: "npx", args: ["mcp-remote", url] }]) {
    const { config } = loadConfig({ mcpServers: { s: server } }, { env: {} });
    expect(configuredSecrets(config, {})).toEqual(secrets);
  }
  const shown = redactUrls(`at ${url} now`);
  for (const secret of secrets) expect(shown).not.toContain(secret);
  if (secrets.length === 0) expect(shown).toBe(`at ${url} now`);
});

test("a name before the @ of an address is not a secret if it is an ordinary word", () => {
  const { config } = loadConfig(stdio({ args: ["https://contoso@dev.azure.com/x", "ssh://postgres@db"] }), { env: {} });
  expect(configuredSecrets(config, {})).toEqual([]);
});

test.each([
  "a",
  "a.",
  "a://",
  "b/",
  "a://b?",
  "a://b?c=d&",
  "a@",
  "key=",
  "key:",
  "${",
  "${A:-",
  "$${",
  "'a':'",
  ":a@",
  "/a@",
  "--key ",
])("a server that repeats %j a hundred thousand times in an argument, variable or address is read quickly", (piece) => {
  const text = piece.repeat(100_000 / piece.length);
  const entries = [
    stdio({ args: [text] }),
    stdio({ env: { SPEC: text } }),
    { mcpServers: { s: { url: `https://x/${text}` } } },
  ];
  const begun = processorMs();
  for (const { mcpServers } of entries) {
    const loaded = loadConfig({ mcpServers: literally(mcpServers) }, { env: {} });
    configuredSecrets(loaded.config, {});
    describeServer(loaded.config.mcpServers[0] as ServerConfig, loaded);
    masked(mcpServers.s);
    looksSecret(mcpServers.s);
  }
  expect(processorMs() - begun).toBeLessThan(3_000);
});
