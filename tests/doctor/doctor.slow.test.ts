import { mkdtempSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { connect } from "../../src/log/sqlite/connection.js";
import { Logins } from "../../src/mcp/auth/logins.js";
import { fixtureServer, script } from "../support/app.js";
import {
  chunk,
  cutStream,
  failure,
  type LlmRequest,
  type Step,
  startLlmServer,
  stream,
} from "../support/llm-server.js";
import { newFolder } from "../support/logins.js";
import { httpServer } from "../support/mcp-http.js";
import { remoteServer } from "../support/mcp-hub.js";
import { oauthServer } from "../support/oauth-server.js";
import { type ConfigShape, capable, complaints, diagnose, home, setUp, worksInTurn } from "./set-ups.js";

const own = () => mkdtempSync(join(home, "own-"));
const provider = (more: object, http: object = { max_retries: 0 }) => ({
  llm: { active: "test", http, providers: { test: { model: "m1", api_key: "sk-test-0123456789", ...more } } },
});
const server = (more: object) => ({ mcpServers: { fs: more } });

/** Returns a loopback address on which nothing listens. */
async function nobody(): Promise<string> {
  const socket = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => socket.once("listening", resolve));
  const { port } = socket.address() as AddressInfo;
  await new Promise((resolve) => socket.close(resolve));
  return `127.0.0.1:${port}`;
}

test("a working set-up is ok in every line, and its turn works", async () => {
  await using llm = await startLlmServer(capable);
  const config = setUp(llm.url);
  config.chat = { storage: { path: join(own(), "log.db") }, service: { approval: "auto" } };
  const sections = await diagnose(config);
  expect(complaints(sections)).toEqual([]);
  expect(sections.map(({ name }) => name)).toEqual(["configuration", "this machine", "provider test", "server fs"]);
  const checks = sections[2]?.findings.map(({ check }) => check);
  const steps = ["plain", "stream", "tools", "result", "reasoning"];
  expect(checks).toEqual(["key", "base_url", "wire", "schemas", "connect", ...steps, "clock"]);
  expect(llm.requests.map(({ body }) => [body.stream ?? false, body.tools?.length ?? 0])).toEqual([
    [false, 0],
    [true, 0],
    [true, 17],
    [true, 17],
  ]);
  expect(await worksInTurn(config)).toBe(true);
});

test("without --live the provider is not asked, and its line is not ok", async () => {
  await using llm = await startLlmServer([]);
  expect(complaints(await diagnose(setUp(llm.url), { isLive: false }))).toContainEqual(
    expect.stringMatching(/^provider test: warn live: not asked.*\(mcp-platform doctor --live/),
  );
});

test.each([
  ["chat", "/v1/chat/completions", "/chat/completions"],
  ["responses", "/v1/responses", "/responses"],
  ["messages", "/v1/messages", "/v1/messages"],
] as const)("a base_url that ends in the path that the wire %s adds is named: %s", async (wire, path, added) => {
  await using llm = await startLlmServer([]);
  const test = { wire, base_url: llm.url.replace("/v1", path), model: "m1", api_key: "sk-test-0123456789" };
  const config = setUp(llm.url, { llm: { active: "test", providers: { test } } });
  expect(complaints(await diagnose(config, { isLive: false }))).toContainEqual(
    expect.stringContaining(`leave ${added} out of llm.providers.test.base_url`),
  );
});

interface Broken {
  /** Default: a provider that answers correctly. */
  answers?: (request: LlmRequest) => Step;
  config?: (llm: string) => ConfigShape | Promise<ConfigShape>;
  env?: Record<string, string>;
  says: RegExp;
  /** Set where a turn works all the same: the finding is odd, or a turn does not need the broken part. */
  works?: true;
}

const refused = (status: number) => ({ answers: () => failure(status, { body: { error: { message: "no" } } }) });
const html: Step = (response) =>
  void response.writeHead(200, { "content-type": "text/html" }).end("<html>Welcome</html>");

const providers: Record<string, Broken> = {
  "a key that is refused": { ...refused(401), says: /^provider test: fail plain: .*error 401.*\(Set TEST_API_KEY/ },
  "a key without the right": { ...refused(403), says: /^provider test: fail plain: .*error 403.*\(Set TEST_API_KEY/ },
  "a model that is not there": {
    ...refused(404),
    says: /^provider test: fail plain: .*error 404.*\(.*providers\.test\.(model|base_url)/,
  },
  "a web page at base_url": { answers: () => html, says: /^provider test: fail plain: .*HTML.*\(Wrong base_url\?/i },
  "a provider that is down": { ...refused(503), says: /^provider test: fail plain: .*error 503.*\(.+\)/ },
  "streams that break off": {
    answers: (request) => (request.body.stream ? stream([chunk({ content: "a" }), cutStream]) : capable(request)),
    says: /^provider test: fail stream: .+\(.+\)/,
  },
  "a model that calls no tools": {
    answers: (request) => capable({ ...request, body: { ...request.body, tools: [] } }),
    says: /^provider test: warn tools: .*did not call the tool.*\(use a model that can call tools/,
  },
  "a provider that refuses the schema of a tool": {
    answers: (request) =>
      request.body.tools?.some((tool) => tool.function.name === "fs__echo")
        ? failure(400, {
            body: { error: { message: "Invalid schema for function 'fs__echo'", code: "invalid_function_parameters" } },
          })
        : capable(request),
    says: /^provider test: warn request: .*the tool fs__echo is left out/,
  },
  "nobody at base_url": {
    config: async (llm) => setUp(llm, provider({ base_url: `http://${await nobody()}/v1` })),
    says: /^provider test: fail connect: nobody answers at 127\.0\.0\.1:\d+: ECONNREFUSED \(is test running/,
  },
  "a proxy that is not there": {
    config: async (llm) =>
      setUp(llm, provider({ base_url: llm }, { max_retries: 0, proxy: `http://${await nobody()}` })),
    says: /^provider test: fail proxy: the proxy 127\.0\.0\.1:\d+ cannot be reached: ECONNREFUSED \(.*llm\.http\.proxy/,
  },
  "no model": {
    config: (llm) => setUp(llm, { llm: { active: "test", providers: { test: { base_url: llm } } } }),
    says: /^provider test: fail settings: llm\.providers\.test\.model is not set \(Set it/,
  },
  "no key": {
    config: (llm) => setUp(llm, { llm: { active: "openai", providers: {} } }),
    says: /^provider openai: fail key: openai: no API key .*\(Set OPENAI_API_KEY/,
  },
  "a provider that nobody knows": {
    config: (llm) => setUp(llm, { llm: { active: "opnai", providers: {} } }),
    says: /^configuration: fail valid: .*no provider is called "opnai" \(did you mean "openai"\?\)/,
  },
  "a base_url that goes too far": {
    config: (llm) => setUp(llm, provider({ base_url: `${llm}/chat/completions` })),
    answers: (request) => (request.path.endsWith("completions/chat/completions") ? failure(404) : capable(request)),
    says: /^provider test: fail base_url: .*\(leave \/chat\/completions out of llm\.providers\.test\.base_url/,
  },
};

const servers: Record<string, Broken> = {
  "a program that is not there": {
    config: (llm) => setUp(llm, server({ command: "no-such-program-here" })),
    says: /^server fs: fail command: command not found: no-such-program-here \(install no-such-program-here, or/,
  },
  "a script that is not there": {
    config: (llm) => setUp(llm, server(script("/nowhere/server.mjs"))),
    says: /^server fs: fail start: .*exited with code 1 \(read its stderr, and check mcpServers\.fs\.args/,
  },
  "a folder that is not there": {
    config: (llm) => setUp(llm, server({ ...fixtureServer(), cwd: "/nowhere/at/all" })),
    says: /^server fs: fail folder: .*\/nowhere\/at\/all does not exist \(fix mcpServers\.fs\.cwd/,
  },
  "a server that ends at once": {
    config: (llm) => setUp(llm, server(fixtureServer({ exitAtStart: { code: 3, stderr: "no database\n" } }))),
    says: /^server fs: fail start: .*exited with code 3 \(read its stderr/,
  },
  "a server of another protocol": {
    config: (llm) => setUp(llm, server({ ...script("tests/support/mcp-modern.mjs"), protocol: "legacy" })),
    says: /^server fs: fail initialize: .*\(.*mcpServers\.fs\.protocol/,
  },
  "a server that never answers": {
    config: (llm) =>
      setUp(llm, server(fixtureServer({ silent: true }, { startup_timeout: "300ms", protocol: "legacy" }))),
    says: /^server fs: fail initialize: .*not ready within 300 ms \(raise mcpServers\.fs\.startup_timeout/,
  },
  "a server that is slow": {
    config: (llm) => setUp(llm, server(fixtureServer({ startMs: 700 }, { startup_grace: "1ms" }))),
    says: /^server fs: warn slow: ready after \d+ ms, but .*\(raise mcpServers\.fs\.startup_grace/,
  },
  "a tool with a bad schema": {
    config: (llm) =>
      setUp(llm, server(fixtureServer({ pages: [[{ name: "echo", description: "x", inputSchema: "none" }]] }))),
    says: /^server fs: warn lists: left out: echo: inputSchema is not an object \(.+\)/,
  },
  "a schema that cannot be checked": {
    config: (llm) =>
      setUp(llm, server(fixtureServer({ pages: [[odd("echo", { properties: { a: { $ref: "#/nowhere" } } })]] }))),
    says: /^server fs: warn schemas: the schema of echo is not valid, so arguments go to the server unchecked \(.+\)/,
    works: true,
  },
  "a schema that OpenAI refuses": {
    config: (llm) =>
      setUp(llm, server(fixtureServer({ pages: [[odd("echo", {}), odd("any", { anyOf: [{ required: ["a"] }] })]] }))),
    says: /^provider test: warn schemas: fs__any: its schema has anyOf at the root.*\(.*quirks\.tool_schemas/,
    works: true,
  },
  "names that are too long or collide": {
    config: (llm) =>
      setUp(
        llm,
        server(fixtureServer({ pages: [[odd("echo", {}), odd("n".repeat(70), {}), odd("a.b", {}), odd("echo", {})]] })),
      ),
    says: /^server fs: warn names: the model sees other names for n{70}, a\.b \(.+\)/,
    works: true,
  },
  "a server that wants a login": {
    config: async (llm) =>
      setUp(llm, server({ type: "http", url: (await open(oauthServer())).url, startup_grace: "5s" })),
    says: /^server fs: fail login: .*\(.*servers login fs/,
  },
  "a web page at a server's url": {
    config: async (llm) =>
      setUp(
        llm,
        server({
          type: "http",
          url: (await open(httpServer({ status: 404, body: "<html>" }))).url,
          startup_grace: "5s",
        }),
      ),
    says: /^server fs: fail initialize: .*<html>.*\(check mcpServers\.fs\.url/,
  },
};

const machine: Record<string, Broken> = {
  "an event log that cannot be written": {
    config: (llm) => {
      const file = join(own(), "a-file");
      writeFileSync(file, "");
      return setUp(llm, { chat: { storage: { path: join(file, "log.db") } } });
    },
    says: /^this machine: fail event log: .*a-file\/log\.db.*\(set chat\.storage\.path/,
  },
  "an event log of another program": {
    config: async (llm) => {
      const path = join(own(), "log.db");
      const db = await connect(path);
      db.exec("CREATE TABLE theirs (a)");
      db.close();
      return setUp(llm, { chat: { storage: { path } } });
    },
    says: /^this machine: fail event log: .*database of another program \(set chat\.storage\.path to another file/,
  },
  "an event log of a newer version": {
    config: async (llm) => {
      const path = join(own(), "log.db");
      const db = await connect(path);
      db.exec("CREATE TABLE theirs (a); PRAGMA application_id = 0x4d435031; PRAGMA user_version = 99");
      db.close();
      return setUp(llm, { chat: { storage: { path } } });
    },
    says: /^this machine: fail event log: .*newer version of this program.*\(update this program/,
  },
  "a database that is away": {
    config: async (llm) =>
      setUp(llm, { chat: { storage: { driver: "postgres", url: `postgres://u:secret-0123@${await nobody()}/chat` } } }),
    says: /^this machine: fail event log: .*127\.0\.0\.1.*\(.+\)/,
  },
  "a port that is taken": {
    config: async (llm) => setUp(llm, { serve: { port: Number(new URL((await open(httpServer())).url).port) } }),
    says: /^this machine: fail port: another program listens on 127\.0\.0\.1:\d+ \(end that program, or set serve\.port/,
    works: true,
  },
};

const configurations: Record<string, Broken> = {
  "a variable that is not set": {
    config: (llm) => setUp(llm, server({ ...fixtureServer(), env: { K: "${NOT_SET_ANYWHERE}" } })),
    says: /^configuration: fail variables: .*mcpServers\.fs\.env\.K: environment variable NOT_SET_ANYWHERE is not set \(set NOT_SET_ANYWHERE/,
  },
  "a key that is misspelt": {
    config: (llm) => setUp(llm, server({ comand: "node" })),
    says: /^configuration: fail valid: .*unknown key "comand" \(did you mean "command"\?\) \(correct it/,
  },
};

function odd(name: string, schema: object): object {
  return { name, description: "does it", inputSchema: { type: "object", ...schema } };
}

const opened: AsyncDisposable[] = [];

/** Opens a resource that is closed at the end of the test. */
async function open<T extends AsyncDisposable>(opening: Promise<T>): Promise<T> {
  const end = await opening;
  opened.push(end);
  return end;
}

describe.each(Object.entries({ providers, servers, machine, configurations }))("%s", (_family, broken) => {
  test.each(Object.entries(broken))(
    "%s: the finding says what to do, and is never ok where a turn fails",
    async (_name, { answers = capable, config = setUp, env, says, works = false }) => {
      await using llm = await startLlmServer(answers);
      try {
        const made = await config(llm.url);
        const found = complaints(await diagnose(made, { env }));
        expect(found).toContainEqual(expect.stringMatching(says));
        expect(found.filter((line) => line.endsWith("()"))).toEqual([]); // every finding has a fix
        expect(found.join()).not.toMatch(/sk-test-0123|secret-0123/);
        expect(await worksInTurn(made, env)).toBe(works);
      } finally {
        for (const end of opened.splice(0)) await end[Symbol.asyncDispose]();
      }
    },
  );
});

test("a syntax error in a file is reported with its line and column", async () => {
  const file = join(own(), "config.yaml");
  writeFileSync(file, "llm:\n  active: [openai\nchat: {}\n");
  const sections = await diagnose(file);
  expect(complaints(sections)).toContainEqual(
    expect.stringMatching(
      /^configuration: fail valid: .*config\.yaml:\d+:\d+: .*\(correct it there; mcp-platform config validate/,
    ),
  );
  expect(await worksInTurn(file)).toBe(false);
});

test("a login that has expired for good fails, and a valid one is ok", async () => {
  await using guard = await oauthServer();
  await using llm = await startLlmServer(capable);
  const state = newFolder();
  const folder = join(state, "mcp-platform", "auth");
  const config = remoteServer("fs", guard.url, "http");
  await new Logins([config], {
    folder,
    showPage: (page) => void fetch(page).then((response) => response.text()),
  }).login("fs");
  const made = setUp(llm.url, server({ type: "http", url: guard.url, startup_grace: "5s" }));
  const env = { XDG_STATE_HOME: state };
  const before = await diagnose(made, { env });
  expect(before.at(-1)?.findings).toContainEqual(
    expect.objectContaining({
      check: "login",
      status: "ok",
      text: expect.stringMatching(/^logged in at .*renewed by itself$/),
    }),
  );
  guard.expire();
  guard.revoke();
  expect(complaints(await diagnose(made, { env }))).toContainEqual(
    expect.stringMatching(/^server fs: fail login: .*\(.*servers login fs/),
  );
  expect(await worksInTurn(made, env)).toBe(false);
});

test("a failure of a provider that is not in use is a warning", async () => {
  await using llm = await startLlmServer(capable);
  const config = setUp(llm.url);
  Object.assign((config.llm as { providers: object }).providers, { openai: {} });
  const found = complaints(await diagnose(config));
  expect(found).toEqual([expect.stringMatching(/^provider openai \(not in use\): warn key: /)]);
});

test("a clock that differs from the provider's is reported", async () => {
  const late = new Date(Date.now() - 3_600_000).toUTCString();
  await using llm = await startLlmServer((request) => (response) => {
    response.setHeader("date", late);
    capable(request)(response, request);
  });
  expect(complaints(await diagnose(setUp(llm.url)))).toContainEqual(
    expect.stringMatching(
      /^provider test: warn clock: this machine's clock is 3\d\d\d s ahead of the provider's \(set the clock/,
    ),
  );
});

test("a provider that reads only simple schemas gets simplified tools, and the finding says so", async () => {
  await using llm = await startLlmServer([]);
  const tools = [odd("echo", {}), odd("list", { additionalProperties: false, anyOf: [{ required: ["a"] }] })];
  const config = setUp(llm.url, {
    ...provider({ base_url: llm.url, quirks: { tool_schemas: "plain" } }),
    ...server(fixtureServer({ pages: [tools] })),
  });
  const [, , found] = await diagnose(config, { isLive: false });
  expect(found?.findings).toContainEqual({
    check: "schemas",
    status: "ok",
    text: "takes all 2 tools, 1 of them with simplified schemas (fs__list)",
  });
  const few = setUp(llm.url, {
    ...provider({ base_url: llm.url, quirks: { max_tools: 3 } }),
  });
  expect(complaints(await diagnose(few, { isLive: false }))).toContainEqual(
    expect.stringMatching(
      /^provider test: warn schemas: 16 tools are too many: the last 13 are not sent \(offer fewer/,
    ),
  );
});

test("a fallback is asked for the model that it names", async () => {
  await using llm = await startLlmServer(capable);
  const entry = { base_url: llm.url, api_key: "sk-test-0123456789" };
  const config = setUp(llm.url, {
    llm: { active: "test", fallback: ["other/m2"], providers: { test: { ...entry, model: "m1" }, other: entry } },
  });
  const sections = await diagnose(config);
  expect(complaints(sections)).toEqual([]);
  expect(sections[3]?.name).toBe("provider other/m2 (fallback)");
  expect(llm.requests.map(({ body }) => body.model)).toEqual(["m1", "m1", "m1", "m1", "m2", "m2", "m2", "m2"]);
});
