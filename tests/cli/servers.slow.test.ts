import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { ended, Workplace } from "../support/cli.js";

let place: Workplace;

beforeEach(() => {
  place = new Workplace();
});

afterEach(() => place[Symbol.dispose]());

const users = () => join(place.folder, ".config/mcp-platform/config.yaml");
const servers = (...args: string[]) => place.run(["servers", ...args]);
const fixtureScript = resolve("tests/support/mcp-server.mjs");

test("a server is added, tested, disabled and removed, in a file that only the user can read", async () => {
  const added = await servers("add", "fs", "-e", "LEVEL=debug", "--", process.execPath, fixtureScript);
  expect(added).toMatchObject({
    exitCode: 0,
    stdout: ".config/mcp-platform/config.yaml: fs is added (mcp-platform servers test fs tries it)\n",
    stderr: "",
  });
  expect(readFileSync(users(), "utf8")).toBe(
    `mcpServers:\n  fs:\n    command: ${process.execPath}\n    args: [${fixtureScript}]\n    env:\n      LEVEL: debug\n`,
  );
  expect(statSync(users()).mode & 0o777).toBe(0o600);

  const tried = await servers("test", "fs");
  expect(tried.exitCode).toBe(0);
  expect(tried.stdout).toMatch(/^ok {4}tools {7}16 tools, about \d+ tokens in each request$/m);
  const { ok, tools, ping_ms: pingMs } = JSON.parse((await servers("test", "fs", "--json")).stdout);
  expect([ok, tools.length, typeof pingMs]).toEqual([true, 16, "number"]);

  await servers("disable", "fs");
  expect((await servers("list")).stdout).toMatch(/^fs +disabled/m);
  await servers("enable", "fs");
  expect((await servers("remove", "fs")).stdout).toContain("fs is removed");
  expect(readFileSync(users(), "utf8")).toBe("mcpServers: {}\n");
});

test("a failing server exits with 5 and shows the stage, its exit code, its last words and what to do", async () => {
  const behaviour = JSON.stringify({ exitAtStart: { code: 7, stderr: "no such database\u001b]0;title\u0007\n" } });
  place.configure({ mcpServers: { db: { command: "node", args: [fixtureScript, behaviour] } } });
  const { exitCode, stdout } = await servers("test", "db");
  expect(exitCode).toBe(5);
  expect(stdout).toContain("fail  start    node: the server exited with code 7\n");
  expect(stdout).toContain("fix: read its stderr, and check mcpServers.db.args and env\n");
  expect(stdout).toContain("its last lines on stderr:\n  no such database\n");
});

test("an unset variable of this server is a finding; one of another server is not", async () => {
  place.configure({
    mcpServers: {
      one: { command: "node", args: [fixtureScript], env: { K: "${ONE_KEY}" } },
      two: { command: "node", args: [fixtureScript] },
    },
  });
  const one = await servers("test", "one");
  expect([one.exitCode, one.stdout]).toEqual([5, expect.stringContaining("environment variable ONE_KEY is not set")]);
  expect((await servers("test", "two")).exitCode).toBe(0);
});

describe("flags that contradict each other are a usage error that says why, and change nothing", () => {
  test.each([
    [["add", "x", "npx", "-y", "pkg"], "servers add NAME -- npx -y PACKAGE"],
    [["add", "x", "-t", "http", "npx"], "http needs a URL that begins with http:// or https://"],
    [
      ["add", "x", "localhost:3000/mcp"],
      "begin with http:// or https://\nhint: did you mean http://localhost:3000/mcp?",
    ],
    [["add", "x", "http://x", "-e", "A=b"], "-e is only for programs; use -H to set a header of a remote server"],
    [["add", "x", "npx", "-e", "secret-0123"], "expected -e KEY=VALUE"],
    [["add", "x", "--json", '{"secret-0123"'], "expected a JSON object"],
    [["add", "x", "--json", '{"comand":"npx"}'], 'unknown key "comand" (did you mean "command"?)'],
    [["add", "there", "npx"], 'config.yaml has a server "there" already\nhint: --replace'],
    [["remove", "thare"], 'config.yaml has no server "thare" (did you mean there?)'],
    [["test", "thare"], 'there is no server "thare" in config.yaml (did you mean there?)'],
    [["logs", "thare"], 'there is no server "thare" (did you mean there?)'],
    [["tset", "there"], "servers has no command tset (did you mean test?)"],
    [["import", "--from", "vscod"], "vscod is neither a known program nor a file (did you mean vscode?)"],
  ])("servers %j", async (args, message) => {
    place.configure({ mcpServers: { there: { command: "true", enabled: false } } });
    const before = readFileSync(join(place.folder, "config.yaml"), "utf8");
    const { exitCode, stderr, stdout } = await servers(...args);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    if (!args.includes("--json")) expect(stderr).not.toContain("secret-0123");
    expect(readFileSync(join(place.folder, "config.yaml"), "utf8")).toBe(before);
  });

  test("a server that is in mcp.config_file is changed there", async () => {
    place.write("servers.json", JSON.stringify({ mcpServers: { theirs: { command: "true" } } }));
    place.configure({ mcp: { config_file: "servers.json" } });
    expect((await servers("disable", "theirs")).stderr).toContain(
      "hint: it is defined in servers.json: change it there\n",
    );
  });
});

test("--json adds a whole entry, --replace replaces one, and a secret that others could read gets a warning", async () => {
  place.configure({});
  chmodSync(join(place.folder, "config.yaml"), 0o644);
  const entry = JSON.stringify({ url: "http://x.example/mcp", timeout: "5s" });
  expect((await servers("add", "web", "--json", entry)).exitCode).toBe(0);
  const replaced = await servers(
    "add",
    "web",
    "http://y.example/mcp",
    "-H",
    "Authorization: Bearer abcdefgh-0123",
    "--replace",
  );
  expect(replaced.stderr).toBe("config.yaml holds a secret that others can read: write a ${VARIABLE} in its place\n");
  expect(readFileSync(join(place.folder, "config.yaml"), "utf8")).toMatch(
    /web:\n +url: http:\/\/y.example\/mcp\n +headers:\n/,
  );
});

describe("servers import", () => {
  const cursor = () => {
    mkdirSync(join(place.folder, ".cursor"));
    const entry = { command: "node", args: [fixtureScript], env: { API_TOKEN: "token-0123456789" } };
    place.write(".cursor/mcp.json", JSON.stringify({ mcpServers: { team: entry } }));
  };

  test("without --from lists the configurations found, and imports nothing without a terminal", async () => {
    cursor();
    expect(await servers("import")).toMatchObject({
      exitCode: 0,
      stdout: "Cursor, .cursor/mcp.json: team (--from cursor)\n",
    });
    expect(existsSync(users())).toBe(false);
  });

  test("keeps a secret in the user's own file, which only they can read from then on", async () => {
    cursor();
    mkdirSync(join(users(), ".."), { recursive: true });
    place.write(".config/mcp-platform/config.yaml", "# mine\nlogging: { level: error }   # quiet\n");
    chmodSync(users(), 0o644);
    const dry = await servers("import", "--from", "cursor", "--dry-run");
    expect(dry.stdout).toContain('+      API_TOKEN: "***"\n');
    const { stdout, stderr } = await servers("import", "--from", "cursor");
    expect(dry.stdout + stdout + stderr).not.toContain("token-0123456789");
    expect(stderr).toBe(".config/mcp-platform/config.yaml holds secrets now, so only you can read it from now on\n");
    expect(readFileSync(users(), "utf8")).toMatch(/^# mine\nlogging: \{ level: error \} {3}# quiet\n\nmcpServers:\n/);
    expect(readFileSync(users(), "utf8")).toContain("API_TOKEN: token-0123456789");
    expect(statSync(users()).mode & 0o777).toBe(0o600);
    expect((await servers("test", "team")).exitCode).toBe(0);
  });

  test("writes a placeholder for a secret into a file that others can read", async () => {
    cursor();
    place.configure({});
    chmodSync(join(place.folder, "config.yaml"), 0o644);
    const { stdout } = await servers("import", "--from", "cursor");
    expect(stdout).toContain("team: added, switched off: env.API_TOKEN: environment variable API_TOKEN is not set");
    const text = readFileSync(join(place.folder, "config.yaml"), "utf8");
    expect(text).toContain("API_TOKEN: ${API_TOKEN}");
    expect(text).not.toContain("token-0123456789");
  });
});

test("servers logs shows and follows what a server wrote in any host, and its text cannot control the terminal", async () => {
  place.configure({
    mcpServers: {
      loud: { command: "node", args: [fixtureScript, JSON.stringify({ greeting: "\u001b[2Jfirst words\n" })] },
    },
  });
  expect((await servers("logs", "loud")).stdout).toMatch(/^loud has not written anything yet: \//);
  await servers("list");
  const { stdout } = await servers("logs", "loud", "-n", "5");
  expect(stdout).toMatch(/^\S+Z \d+ stderr first words$/m);
  expect(stdout).toMatch(/ host the MCP server "loud" is ready$/m);

  const following = place.start("servers", "logs", "loud", "--follow", "--lines", "0");
  let said = "";
  following.stdout?.on("data", (text) => {
    said += text;
  });
  const left = ended(following);
  // The command starts reading at the end of the file, so the log must grow after its start.
  while (!said.includes("first words") || !said.includes("is ready")) await servers("list");
  following.kill("SIGINT");
  expect((await left).exitCode).toBe(0);
});
