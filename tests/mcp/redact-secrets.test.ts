import { expect, test } from "@jest/globals";
import { loadConfig } from "../../src/config/reading/load.js";
import { configuredSecrets } from "../../src/config/reading/secrets.js";
import { explainAuth } from "../../src/mcp/auth/explain.js";
import { keepSecret, redactor } from "../../src/mcp/shared/redact-secrets.js";
import { StderrTail } from "../../src/mcp/transports/stderr-tail.js";

const env = { PLACE: "secret-0123" };
const uuid = "7f3c9a1e-4b2d-4c6f-9a8b-0d1e2f3a4b5c";

test.each([
  ["a variable whose name says nothing", { command: "x", env: { DB_DSN: "secret-0123" } }, "secret-0123"],
  ["an argument", { command: "x", args: ["--token", "secret-0123"] }, "secret-0123"],
  ["an argument from the environment", { command: "x", args: ["--dsn", "${PLACE}"] }, "secret-0123"],
  ["the query of an address", { url: "https://x/mcp?api_key=secret-0123" }, "secret-0123"],
  ["the path of an address", { url: `https://x/${uuid}/mcp` }, uuid],
  ["a header", { url: "https://x/mcp", headers: { Authorization: "Bearer secret-0123" } }, "secret-0123"],
  ["a header whose name says nothing", { url: "https://x/mcp", headers: { "X-Tenant": "secret-0123" } }, "secret-0123"],
])("a secret in %s of a server is in none of its errors, nor in the log", (_, server, secret) => {
  const { config } = loadConfig({ mcpServers: { s: server } }, { env });
  const [loaded] = config.mcpServers;
  if (!loaded) throw new Error("no server");
  expect(redactor(loaded)(`cannot connect to ${secret} as node`)).toBe("cannot connect to [redacted] as node");
  expect(configuredSecrets(config, env)).toContain(secret);
});

test.each([
  ["HTTP Basic", Buffer.from("nightly:s3cret!").toString("base64")],
  ["HTTP Basic without padding, in a text", `x${Buffer.from("nightly:s3cret!").toString("base64url")}y`],
  ["a form", new URLSearchParams({ client_secret: "s3cret!" }).toString().slice("client_secret=".length)],
  ["a URL", encodeURIComponent("s3cret!")],
  ["hexadecimal", Buffer.from("s3cret!").toString("hex").toUpperCase()],
  ["plain", "s3cret!"],
])("a client's secret that an authorization server repeats as %s is in none of its errors", (_, repeated) => {
  const oauth = { grant: "client_credentials", client_id: "nightly", client_secret: "s3cret!" };
  const { config } = loadConfig({ mcpServers: { s: { url: "https://x/mcp", oauth } } }, { env });
  const [loaded] = config.mcpServers;
  if (!loaded || loaded.transport === "stdio") throw new Error("no server");
  keepSecret(loaded, "received-token/1");
  const { message } = explainAuth(new Error(`cannot verify ${repeated} and received-token%2F1`), loaded);
  expect(message).toMatch(/cannot verify x?\[redacted\]\w?y? and \[redacted\]$/);
  for (const part of [8, 4].flatMap((length) => [repeated.slice(0, length), repeated.slice(-length)]))
    expect(message).not.toContain(part);
});

test("the latest tokens of a server's renewals are removed from its errors, and a token in use for as long as it is used", () => {
  const { config } = loadConfig({ mcpServers: { s: { url: "https://x/mcp" } } }, { env });
  const [loaded] = config.mcpServers;
  if (!loaded) throw new Error("no server");
  const redact = redactor(loaded);
  for (let renewal = 0; renewal < 100; renewal++) {
    keepSecret(loaded, `renewed-token-${renewal};`);
    keepSecret(loaded, "long-lived-token");
    expect(redact(`renewed-token-${renewal}; long-lived-token`)).toBe("[redacted] [redacted]");
  }
  expect(redact("renewed-token-0; renewed-token-90;")).toBe("renewed-token-0; [redacted]");
});

test("a variable that every process has does not count as a secret of a server", () => {
  const { config } = loadConfig({ mcpServers: { s: { command: "x", env: { NODE_ENV: "production" } } } }, { env });
  const [loaded] = config.mcpServers;
  expect(loaded && redactor(loaded)("runs in production")).toBe("runs in production");
});

test("the advice to log in does not name the secret part of an address", () => {
  const { config } = loadConfig({ mcpServers: { s: { url: `https://x/${uuid}/mcp` } } }, { env });
  const [loaded] = config.mcpServers;
  if (!loaded || loaded.transport === "stdio") throw new Error("no server");
  expect(explainAuth(new Error("no"), loaded).message).toBe("https://x/[redacted]/mcp wants authorization: no");
});

test("a secret at the edge of a server's stored stderr is hidden whole", () => {
  const secret = "secret-0123456789";
  const { config } = loadConfig({ mcpServers: { s: { command: "x", env: { DB_DSN: secret } } } }, { env });
  const [loaded] = config.mcpServers;
  if (!loaded) throw new Error("no server");
  for (let after = 4096 - secret.length; after < 4096; after++) {
    const tail = new StderrTail(loaded);
    tail.add(`${"x".repeat(9_000)}${secret}`);
    for (const letter of "y".repeat(after)) tail.add(letter);
    expect(tail.text).not.toMatch(/\d/);
    expect(tail.text.length).toBeLessThanOrEqual(4096);
  }
});
