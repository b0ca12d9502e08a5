import { spawn } from "node:child_process";
import { cpSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { fixtureServer } from "../support/app.js";
import { configFor, ended, Workplace } from "../support/cli.js";
import { answer, failure, stall, startLlmServer, stream, toolCalls } from "../support/llm-server.js";
import { isRunning, recording, until } from "../support/mcp-hub.js";

const echo = toolCalls([{ name: "s__echo", arguments: { n: 1 } }]);

describe("a first run, without a key and without a configuration", () => {
  test("adds 2 and 40 with the demo server's tool and prints only the answer on stdout", async () => {
    using place = new Workplace();
    const { exitCode, stdout, stderr } = await place.run(["run", "Add 2 and 40 with the add tool"]);
    expect(stdout).toBe("The answer is 42.\n");
    expect(stderr).toContain("> demo.add");
    expect(stderr).toContain("demo model");
    expect(exitCode).toBe(0);
  });

  test("prints one JSON object with everything about the turn with --output-format json", async () => {
    using place = new Workplace();
    const args = ["run", "Add 2 and 40 with the add tool", "--output-format", "json", "--request-id", "r1"];
    const { exitCode, stdout } = await place.run(args);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      conversation_id: expect.stringMatching(/^conv_/),
      request_id: "r1",
      turn_id: expect.stringMatching(/^turn_/),
      stop_reason: "end_turn",
      text: "The answer is 42.",
      model: "demo",
      provider: "demo",
      usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number), cost_usd: 0 },
      tool_calls: [{ id: expect.any(String), name: "demo__add", arguments: expect.any(String), is_error: false }],
      attempts: 2,
      duration_ms: expect.any(Number),
    });
  });

  test("takes text that is piped in without a command as one prompt", async () => {
    using place = new Workplace();
    const { exitCode, stdout } = await place.run([], "Add 1 and 2 with the add tool");
    expect([exitCode, stdout]).toEqual([0, "The answer is 3.\n"]);
  });
});

describe("a command line without the name of a command", () => {
  test("is a prompt, with the options of run; -c continues the last conversation", async () => {
    await using llm = await startLlmServer([answer("one"), answer("two"), answer("three")]);
    using place = new Workplace();
    place.configure(configFor(llm.url, {}, { chat: { storage: { path: "log.db" }, titles: "off" } }));
    const first = await place.run(["What is it?", "--system", "Sing."]);
    expect(first).toMatchObject({ exitCode: 0, stdout: "one\n" });
    expect(llm.requests[0]?.body.messages?.[0]?.content).toBe("Sing.");
    expect(await place.run(["-c", "And then?"])).toMatchObject({ exitCode: 0, stdout: "two\n" });
    expect(await place.run(["run", "--continue", "And then?"])).toMatchObject({ exitCode: 0, stdout: "three\n" });
    expect(llm.requests[2]?.text).toContain("What is it?");
  });

  test.each([
    [
      "a mistyped command",
      ["chta"],
      "there is no command chta (did you mean chat?). As a prompt: mcp-platform run chta",
    ],
    ["several words", ["two", "words"], "one prompt is expected, in quotes; got 2"],
    ["two conversations", ["hi", "-c", "--conversation", "x"], "cannot be used with option '-c, --continue'"],
  ])("is refused if it is %s", async (_, args, text) => {
    using place = new Workplace();
    const { exitCode, stderr, stdout } = await place.run(args);
    expect(stderr).toContain(text);
    expect([exitCode, stdout]).toEqual([2, ""]);
  });
});

test("--append-system adds text to the system prompt of the configuration or of a flag", async () => {
  await using llm = await startLlmServer([answer("a"), answer("b")]);
  using place = new Workplace();
  place.configure(configFor(llm.url, {}, { chat: { service: { system_prompt: "Rhyme." } } }));
  await place.run(["run", "go", "--append-system", "Be kind."]);
  await place.run(["run", "go", "--append-system", "Be kind.", "--system", "Sing."]);
  const systems = llm.requests.map(({ body }) => body.messages?.[0]?.content);
  expect(systems).toEqual(["Rhyme.\n\nBe kind.", "Sing.\n\nBe kind."]);
});

test("--json-schema takes a schema from a file; a file without a schema is refused before any request", async () => {
  await using llm = await startLlmServer([answer('{"a":"x"}'), answer('{"a":1}')]);
  using place = new Workplace();
  place.configure(configFor(llm.url));
  place.write("good.json", JSON.stringify({ type: "object", properties: { a: { type: "number" } } }));
  place.write("bad.json", JSON.stringify({ type: "objekt" }));
  expect(await place.run(["run", "go", "--json-schema", "good.json"])).toMatchObject({
    exitCode: 0,
    stdout: '{"a":1}\n',
  });
  for (const file of ["bad.json", "none.json"]) {
    const { exitCode, stderr } = await place.run(["run", "go", "--json-schema", file]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`--json-schema ${file}: `)]);
  }
});

test("the error about a file cannot control the terminal", async () => {
  using place = new Workplace();
  place.write("config.yaml", '"\\e]0;title\\a\\x9b2Jllm": {}\n');
  const { exitCode, stderr } = await place.run(["config", "validate"]);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining("unknown key")]);
  expect(stderr).not.toMatch(/(?!\n)\p{Cc}/u);
});

describe("exit codes", () => {
  test.each([
    ["an unknown option", ["run", "hi", "--nonsense"], 2, "unknown option"],
    ["no prompt", ["run"], 2, "no prompt"],
    ["a config file that is not there", ["--config", "no.yaml", "run", "hi"], 2, "no.yaml"],
    ["a bad duration", ["run", "hi", "--timeout", "soon"], 2, "duration"],
  ])("%s", async (_, args, code, text) => {
    using place = new Workplace();
    const { exitCode, stderr, stdout } = await place.run(args);
    expect(stderr).toContain(text);
    expect([exitCode, stdout]).toEqual([code, ""]);
  });

  test.each([
    ["a provider that refuses the key", [failure(401)], 3],
    ["a provider that stays unavailable", Array.from({ length: 4 }, () => failure(503)), 4],
    ["a model that does not stop calling tools", [echo, echo, answer("so far")], 7],
  ])("%s", async (_, steps, code) => {
    await using llm = await startLlmServer(steps);
    using place = new Workplace();
    place.configure(configFor(llm.url, { s: fixtureServer() }));
    expect((await place.run(["run", "go", "--yes", "--max-tool-hops", "2"])).exitCode).toBe(code);
  });

  test("a turn that reaches its time limit", async () => {
    await using llm = await startLlmServer(() => stream([stall]));
    using place = new Workplace();
    place.configure(configFor(llm.url));
    expect((await place.run(["run", "go", "--timeout", "1s"])).exitCode).toBe(7);
  });

  test("a tool that needs approval is denied, and the message names the flag that allows it", async () => {
    await using llm = await startLlmServer([echo, answer("not allowed")]);
    using place = new Workplace();
    place.configure(configFor(llm.url, { s: fixtureServer() }));
    const { exitCode, stderr } = await place.run(["run", "go"]);
    expect(stderr).toContain("--allow s__echo");
    expect(exitCode).toBe(6);
  });

  test("--allow lets a tool run", async () => {
    await using llm = await startLlmServer([echo, answer("done")]);
    using place = new Workplace();
    place.configure(configFor(llm.url, { s: fixtureServer() }));
    expect(await place.run(["run", "go", "--allow", "s.*"])).toMatchObject({ exitCode: 0, stdout: "done\n" });
  });

  test("a required server that cannot be reached", async () => {
    await using llm = await startLlmServer([]);
    using place = new Workplace();
    place.configure(configFor(llm.url, { s: { command: "no-such-command-anywhere", required: true } }));
    const { exitCode, stderr } = await place.run(["run", "go"]);
    expect(stderr).toContain("no-such-command-anywhere");
    expect(exitCode).toBe(5);
  });

  test("the first SIGINT cancels the turn and exits with 130", async () => {
    await using llm = await startLlmServer([stream([stall])]);
    using place = new Workplace();
    place.configure(configFor(llm.url));
    const child = place.start("run", "go");
    const end = ended(child, "");
    await llm.received(1);
    child.kill("SIGINT");
    expect((await end).exitCode).toBe(130);
  });
});

test("files are attached to the prompt; a file that cannot be attached is refused before any request", async () => {
  await using llm = await startLlmServer([answer("read")]);
  using place = new Workplace();
  place.configure(configFor(llm.url));
  place.write("notes.txt", "remember");
  const { exitCode, stdout } = await place.run(["run", "-a", "notes.txt", "what is in it?"]);
  expect([exitCode, stdout]).toEqual([0, "read\n"]);
  expect(JSON.stringify(llm.requests[0]?.body.messages?.at(-1))).toContain("what is in it?");
  expect(JSON.stringify(llm.requests[0]?.body.messages?.at(-1))).toContain(String.raw`[file notes.txt]\nremember`);
  const missing = await place.run(["run", "--attach", "none.txt", "hi"]);
  expect(missing.exitCode).toBe(2);
  expect(missing.stderr).toBe("error: none.txt cannot be read: there is no such file\n");
});

test("stdout has only the answer even at log level debug, and no secret is logged", async () => {
  await using llm = await startLlmServer([failure(503), answer("quiet")]);
  using place = new Workplace();
  place.configure(configFor(llm.url, { s: fixtureServer() }));
  const { stdout, stderr } = await place.run(["--log-level", "debug", "run", "my secret prompt"]);
  expect(stdout).toBe("quiet\n");
  expect(stderr).not.toContain("sk-test-0123456789");
  expect(stderr).not.toContain("my secret prompt");
});

test.each([
  ["when the configuration says so", [], true],
  ["not when the configuration says so", [], false],
  ["not with --no-stream", ["--no-stream"], true],
])("the answer is streamed %s", async (_, flags, streaming) => {
  await using llm = await startLlmServer([answer("done")]);
  using place = new Workplace();
  place.configure(configFor(llm.url, {}, { chat: { service: { streaming: { enabled: streaming } } } }));
  await place.run(["run", "hi", ...flags]);
  expect(llm.requests[0]?.body.stream ?? false).toBe(streaming && flags.length === 0);
});

test("--mcp-config reads more servers from a file in the shape of other hosts", async () => {
  await using llm = await startLlmServer([echo, answer("done")]);
  using place = new Workplace();
  place.configure(configFor(llm.url));
  place.write(".mcp.json", JSON.stringify({ mcpServers: { s: fixtureServer() } }));
  const { exitCode } = await place.run(["--mcp-config", ".mcp.json", "run", "go", "--yes"]);
  expect(exitCode).toBe(0);
});

test("packages behind a symlink (pnpm, npm link) load, also when text is piped in", async () => {
  using place = new Workplace();
  cpSync("dist", join(place.folder, "dist"), { recursive: true });
  cpSync("package.json", join(place.folder, "package.json"));
  symlinkSync(resolve("node_modules"), join(place.folder, "node_modules"));
  // Uses `|`, not `stdio: pipe`: Node gives its child a socket, a shell gives it a FIFO.
  const command = 'echo | "$NODE" dist/main.js run "Add 2 and 40 with the add tool"';
  const env = { ...place.environment, NODE: process.execPath };
  const { exitCode, stdout } = await ended(spawn("sh", ["-c", command], { cwd: place.folder, env }));
  expect([exitCode, stdout]).toEqual([0, "The answer is 42.\n"]);
});

describe("a host that is asked to end also ends its servers, even those that ignore signals", () => {
  // Concurrent, because each case waits until its server's time is over.
  test.concurrent.each([
    ["SIGHUP", ["run", "go"], null],
    ["SIGTERM", ["run", "go"], 143],
    ["SIGINT", ["tools"], 130],
  ] as const)("%s, %j", async (signal, args, code) => {
    using record = recording();
    await using llm = await startLlmServer([]);
    using place = new Workplace();
    place.configure(configFor(llm.url, { s: fixtureServer({ silent: true, deaf: true, record: record.path }) }));
    const child = place.start(...args);
    const end = ended(child, "");
    await until(() => record.lines().length > 0);
    child.kill(signal);
    expect((await end).exitCode).toBe(code);
    const pid = Number(record.lines()[0]?.replace("started ", ""));
    await until(() => !isRunning(pid)); // a killed process may need a moment to end
  });
});

test("names that a server gives its tools cannot control the terminal", async () => {
  await using llm = await startLlmServer([]);
  using place = new Workplace();
  const [description, inputSchema] = ["\u001b]0;title\u0007red", { type: "object" }];
  const page = ["t", "u\u001b[2J"].map((name) => ({ name, description, inputSchema }));
  place.configure(configFor(llm.url, { s: fixtureServer({ pages: [page] }) }));
  expect((await place.run(["tools"])).stdout).toBe("s.t  red\n");
});

test.each([["config", "show"], ["tools"]])(
  "a reader that closes the pipe does not crash the host: %s %s",
  async (...args) => {
    await using llm = await startLlmServer([]);
    using place = new Workplace();
    place.configure(configFor(llm.url));
    const child = place.start(...args.filter(Boolean));
    child.stdout?.destroy();
    expect(await ended(child, "")).toMatchObject({ exitCode: 0, stderr: "" });
  },
);

test("--version and --help print and exit with 0", async () => {
  using place = new Workplace();
  expect(await place.run(["--version"])).toEqual({ exitCode: 0, stdout: "1.0.0\n", stderr: "" });
  expect(await place.run(["--help"])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("run") });
});
