import { expect, test } from "@jest/globals";
import { loadConfig } from "../../src/config/reading/load.js";
import { configuredSecrets } from "../../src/config/reading/secrets.js";

const stdio = (more: object) => ({ mcpServers: { s: { command: "x", ...more } } });

test.each([
  ["behind a flag", stdio({ args: ["--token", "secret-0123", "plain-0123"] })],
  ["in a flag", stdio({ args: ["--api-key=secret-0123", "--host=plain-0123"] })],
  ["in a header that is an argument", stdio({ args: ["--header", "Authorization: Bearer secret-0123"] })],
  ["in an argument's URL", stdio({ args: ["postgres://plain-0123:secret-0123@db/plain-0123"] })],
  ["in a URL of the environment", stdio({ env: { DATABASE_URL: "postgres://plain-0123:secret-0123@db" } })],
  ["in a server's URL", { mcpServers: { s: { url: "https://x/mcp?plain=plain-0123&api_key=secret-0123" } } }],
  ["in a provider's URL", { llm: { providers: { p: { base_url: "https://x/v1?key=secret-0123", model: "m" } } } }],
  ["behind a short flag name", stdio({ args: ["--pass", "secret-0123", "plain-0123"] })],
  ["in any variable of a server", stdio({ env: { DB_PASS: "secret-0123", NODE_ENV: "plain-0123" } })],
  ["in a variable of a server with a harmless name", stdio({ env: { DSN: "secret-0123" } })],
  ["in a URL with an escape", { mcpServers: { s: { url: "https://x/mcp?token=secret%2D0123" } } }],
])("a secret %s is known", (_, config) => {
  const { config: loaded } = loadConfig(config, { env: {}, allowsUnset: true });
  const secrets = configuredSecrets(loaded, {});
  expect(secrets).toContain("secret-0123");
  expect(secrets).not.toContain("plain-0123");
});

test("the word before a secret in a header is none", () => {
  const { config } = loadConfig(
    { mcpServers: { s: { url: "https://x/mcp", headers: { Authorization: "Bearer secret-0123" } } } },
    { env: {} },
  );
  expect(configuredSecrets(config, {})).toEqual(["Bearer secret-0123", "secret-0123"]);
});

test("the token of the network door is known", () => {
  const token = "0123456789abcdef-secret";
  const { config } = loadConfig({ serve: { token } }, { env: {} });
  expect(configuredSecrets(config, {})).toEqual([token]);
});

test("what a placeholder stands for is a secret, but for where things are", () => {
  const env = { DSN: "secret-0123", HOME: "/home/plain-0123", OTHER: "other-0123" };
  const { config } = loadConfig(stdio({ args: ["--dsn", "${DSN}", "${HOME}/files"] }), { env });
  expect(configuredSecrets(config, env)).toEqual(["secret-0123"]);
});

test.each([
  ["DB_PASS", true],
  ["MYSQL_PWD", true],
  ["MY_PASSPHRASE", true],
  ["PWD", false],
  ["SSH_ASKPASS", false],
  ["PASSENGER_ROOT", false],
])("the value of %s in the environment is a secret: %s", (name, isSecret) => {
  const { config } = loadConfig({}, { env: {} });
  expect(configuredSecrets(config, { [name]: "value-0123" })).toEqual(isSecret ? ["value-0123"] : []);
});
