import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { fixtureServer } from "../support/app.js";
import { ended, Workplace } from "../support/cli.js";
import { failure, startLlmServer } from "../support/llm-server.js";

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place[Symbol.dispose]());

test("on a first run, the demo model and its server are checked, no file is made, and the exit code is 0", async () => {
  const { exitCode, stdout, stderr } = await place.run(["doctor"]);
  expect([exitCode, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^provider demo$/m);
  expect(stdout).toMatch(/^ {2}ok {4}tools +demo answered in .* with a tool call$/m);
  expect(stdout).toMatch(/^server demo$/m);
  expect(stdout).toMatch(/^\d+ ok, \d+ to look at, 0 failed$/m);
  expect(readdirSync(place.folder).filter((name) => name !== ".cache")).toEqual([]); // Node keeps compiled code there
});

test.each([
  [2, { llm: { active: "openai", fallbak: [] } }, "configuration", "fail"],
  [3, { llm: { active: "openai" } }, "provider openai", "fail"],
  [
    4,
    { llm: { active: "test", providers: { test: { base_url: "http://127.0.0.1:1/v1", model: "m" } } } },
    "provider test",
    "fail",
  ],
  [5, { mcpServers: { fs: { command: "no-such-program" } } }, "server fs", "fail"],
  [1, { chat: { storage: { path: "config.yaml/log.db" } } }, "this machine", "fail"],
])("exit code %i", async (code, config, section, status) => {
  place.configure({ mcpServers: {}, serve: { port: 0 }, ...config });
  const { exitCode, stdout } = await place.run(["doctor", "--json"]);
  const report = JSON.parse(stdout);
  expect([exitCode, report.ok, report.exit_code]).toEqual([code, false, code]);
  const found = report.sections.find(({ name }: { name: string }) => name === section);
  expect(found.findings).toContainEqual(expect.objectContaining({ status, fix: expect.any(String) }));
});

test("the report shows neither the end of a refused key nor escapes of a server's last words", async () => {
  await using llm = await startLlmServer(() => failure(401));
  const silent = fixtureServer({ exitAtStart: { code: 7, stderr: "no such database\u001b]0;title\u0007\n" } });
  const providers = { test: { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789" } };
  place.configure({ llm: { active: "test", providers }, mcpServers: { db: silent } });
  const { exitCode, stdout } = await place.run(["doctor", "--live"]);
  expect(exitCode).toBe(3);
  expect(stdout).toContain("error 401");
  expect(stdout).toContain("  its last lines on stderr:\n    no such database\n");
});

test("a config file that was only found is not trusted, and the report says what it would do", async () => {
  place.write("mcp-platform.yaml", JSON.stringify({ mcpServers: { fs: { command: "no-such-program" } } }));
  place.write("config.yaml", "{}");
  place.write("config.yml", "{}");
  const { stdout } = await place.run(["doctor"]);
  expect(stdout).toContain("its servers are not started (fs)");
  expect(stdout).toContain("fix: read it, then pass --trust-project");
  expect(stdout).toContain("config.yaml is not read: mcp-platform.yaml comes first");
  expect(stdout).toContain("config.yml is not read\n");
  expect(stdout).toContain("fix: call it config.yaml\n");
  expect(stdout).not.toContain("command not found");
});

test("the bundle has no secret from the configuration, environment, URLs, headers, stderr or errors", async () => {
  const secrets = {
    apiKey: "planted-key-0123456789",
    header: "planted-header-0123456789",
    url: "planted-query-0123456789",
    password: "planted-password-0123",
    variable: "planted-variable-0123",
    argument: "planted-argument-0123",
    environment: "planted-environment-0123",
    inEnvironmentUrl: "planted-env-url-0123",
    log: "planted-variable-0123 and planted-environment-0123 and planted-header-0123456789",
  };
  await using llm = await startLlmServer(() =>
    failure(401, { body: { error: { message: `no: ${Object.values(secrets).join(" ")}` } } }),
  );
  const url = new URL(llm.url);
  place.configure({
    llm: {
      active: "test",
      providers: {
        test: {
          base_url: `${url.origin}/v1?code=${secrets.url}`,
          model: "m1",
          api_key: secrets.apiKey,
          headers: { "X-Plain": secrets.header },
        },
      },
    },
    mcpServers: {
      fs: {
        ...fixtureServer({ exitAtStart: { code: 3, stderr: `${Object.values(secrets).join("\n")}\n` } }),
        env: { PLAIN: secrets.variable, DB: `postgres://me:${secrets.password}@db/x` },
      },
      cli: { command: "no-such-program", args: ["--token", secrets.argument] },
      web: { type: "http", url: `http://127.0.0.1:1/mcp?code=${secrets.url}`, headers: { "X-Plain": secrets.header } },
    },
  });
  const logs = join(place.folder, ".local/state/mcp-platform/server-logs");
  mkdirSync(logs, { recursive: true });
  const line = (source: string, text: string) => `2026-11-25T10:00:00.000Z 12 ${source} ${text}\n`;
  const said = line("stderr", `starting with ${Object.values(secrets).join(" ")}`) + line("info", "what the user said");
  writeFileSync(join(logs, "fs.log"), said);
  const child = spawn(process.execPath, [resolve("dist/main.js"), "doctor", "--live", "--bundle", "bundle.json"], {
    cwd: place.folder,
    env: {
      ...place.environment,
      SOME_TOKEN: secrets.environment,
      PROXY_OF_OURS: `http://me:${secrets.inEnvironmentUrl}@proxy.example`,
    },
  });
  const { exitCode, stdout, stderr } = await ended(child, "");
  expect(exitCode).toBe(3);
  expect(stderr).toContain("bundle.json: read it before you give it to anybody");
  const file = join(place.folder, "bundle.json");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const text = readFileSync(file, "utf8");
  for (const printed of [text, stdout]) expect(printed).not.toContain("planted-");
  const { doctor, config, servers, versions } = JSON.parse(text);
  expect(servers.map(({ name, log }: { name: string; log: string[] }) => [name, log.length])).toEqual([
    ["fs", 1],
    ["cli", 0],
    ["web", 0],
  ]);
  expect(servers[0].log[0]).toContain("starting with");
  expect(text).not.toContain("what the user said");
  expect(doctor.sections.map(({ name }: { name: string }) => name)).toContain("server fs");
  expect(config.join("\n")).toContain("model: m1");
  expect(versions.node).toBe(process.versions.node);
});

test("the bundle has a conversation only if --conversation names it", async () => {
  place.configure({ mcpServers: {} });
  await place.run(["run", "Add 2 and 40 with the add tool", "--conversation", "c1"]);
  expect((await place.run(["doctor", "--bundle", "b.json", "--conversation", "c1"])).exitCode).toBe(0);
  const { conversation } = JSON.parse(readFileSync(join(place.folder, "b.json"), "utf8"));
  expect(JSON.stringify(conversation)).toContain("Add 2 and 40");
  expect((await place.run(["doctor", "--conversation", "c1"])).exitCode).toBe(2);
});
