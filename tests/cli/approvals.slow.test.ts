import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { fixtureServer } from "../support/app.js";
import { configFor, type Ended, ended, Workplace } from "../support/cli.js";
import { answer, type LlmRequest, type LlmServer, startLlmServer, toolCalls } from "../support/llm-server.js";
import { newDatabaseUrl, noPostgres } from "../support/storages.js";

let place: Workplace;
let llm: LlmServer;
/** Returns the name of the tool that the model calls. The call's arguments are `given`. */
let called: (offered: readonly string[]) => string;
let given: object;

beforeEach(async () => {
  place = new Workplace();
  called = () => "s__echo";
  given = { path: "/tmp/a" };
  llm = await startLlmServer(({ body }) =>
    body.messages?.at(-1)?.role === "tool"
      ? answer("done")
      : toolCalls([{ name: called(offeredIn(body)), arguments: given }]),
  );
  configure();
});

afterEach(async () => {
  place[Symbol.dispose]();
  await llm[Symbol.asyncDispose]();
});

function configure(permissions: object = {}, server: object = fixtureServer(), service: object = {}): void {
  place.configure(configFor(llm.url, { s: server }, { chat: { service: { ...service, permissions } } }));
}

/** Starts the program in another folder of the same user, with the same configuration. */
function start(folder: string, ...args: string[]): ChildProcess {
  const cwd = join(place.folder, folder);
  mkdirSync(cwd, { recursive: true });
  const env = { ...place.environment, MCP_PLATFORM_CONFIG: join(place.folder, "config.yaml") };
  return spawn(process.execPath, [resolve("dist/main.js"), ...args], { cwd, env });
}

function offeredIn(body: LlmRequest["body"] | undefined): string[] {
  return (body?.tools ?? []).map(({ function: { name } }) => name);
}

const run = (folder = "."): Promise<Ended> => ended(start(folder, "run", "go"), "");

/** Runs one turn of `stdio` and answers its questions with these values in order. Resolves to the messages of the turn. */
async function talk(values: readonly unknown[], child = start(".", "stdio")): Promise<Record<string, never>[]> {
  const end = ended(child);
  const send = (message: object) => child.stdin?.write(`${JSON.stringify({ request_id: "r", ...message })}\n`);
  const left = [...values];
  send({ action: "chat", payload: { text: "go" } });
  let text = "";
  child.stdout?.on("data", (data: string) => {
    text += data;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      const { status, chunk } = JSON.parse(line);
      const isAsked = chunk.type === "question" || chunk.action === "answer";
      questionId = chunk.data?.question_id ?? questionId;
      if (isAsked && left.length > 0) {
        send({ action: "answer", payload: { question_id: questionId, value: left.shift() } });
      } else if (isAsked || status === "complete") {
        child.stdin?.end(); // with stdin closed, nobody can answer a later question
      }
    }
  });
  let questionId: string | undefined;
  const { stdout } = await end;
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).chunk);
}

const ofType = (chunks: readonly Record<string, unknown>[], type: string) =>
  chunks.filter((chunk) => chunk.type === type).map((chunk) => chunk.data as Record<string, never>);

describe("a run in which nobody can be asked", () => {
  test("exits with 6, lists what was denied in the JSON object, and names the flags on stderr", async () => {
    const { exitCode, stdout, stderr } = await place.run(["run", "go", "--output-format", "json"]);
    expect(JSON.parse(stdout)).toMatchObject({ text: "done", stop_reason: "end_turn", denied: ["s__echo"] });
    expect(stderr).toContain("not run, because nobody could be asked: s__echo. Allow with --allow s__echo");
    expect(exitCode).toBe(6);
  });

  test("writes the flag so that a shell takes the tool's name as one word", async () => {
    const tool = { name: "a'; b(c)", description: "", inputSchema: { type: "object" } };
    configure({}, fixtureServer({ pages: [[tool]] }));
    called = ([first = ""]) => first;
    expect((await run()).stderr).toContain(String.raw`--allow 's__a'\''; b*c*'`);
  });

  test.each([
    ["--allow s.echo", 0],
    ["--allow mcp__s__*", 0],
    ["--allow s.echo(path=/tmp/*)", 0],
    ["--allow s.echo(path=/etc/*)", 6],
    ["--allow @readonly", 6],
    ["--yes", 0],
    ["--yes --deny s.echo(path=/tmp/*)", 0],
  ])("%s: exit code %i", async (flags, exitCode) => {
    expect((await place.run(["run", "go", ...flags.split(" ")])).exitCode).toBe(exitCode);
  });

  test("with --ask denies a call although the configuration says auto, unless a flag allows it", async () => {
    configure({}, undefined, { approval: "auto" });
    const codeOf = async (...flags: string[]) => (await place.run(["run", "go", ...flags])).exitCode;
    expect([await codeOf(), await codeOf("--ask"), await codeOf("--ask", "--allow", "s.echo")]).toEqual([0, 6, 0]);
    expect(await codeOf("--ask", "--yes")).toBe(2);
  });

  test("refuses a --allow that is not a valid pattern before it begins", async () => {
    const { exitCode, stderr } = await place.run(["run", "go", "--allow", "s.echo(/tmp)"]);
    expect(stderr).toContain('"s.echo(/tmp)" is not a pattern of tools: expected argument=value, got "/tmp"');
    expect([exitCode, llm.requests.length]).toEqual([2, 0]);
  });
});

describe("chat.service.permissions", () => {
  test("an allow rule by arguments lets that call run; another call, and one that leaves the folder, are asked about", async () => {
    configure({ allow: ["s__echo(path=/tmp/*)"] });
    expect((await run()).exitCode).toBe(0);
    for (const path of ["/etc/a", "/tmp/../etc/a"]) {
      given = { path };
      expect((await run()).exitCode).toBe(6);
    }
  });

  test("an ask rule wins over an allow rule, and a flag wins over an ask rule", async () => {
    configure({ allow: ["*"], ask: ["s.echo(path=/tmp/*)"] });
    const { exitCode, stderr } = await run();
    expect(stderr).toContain("s.echo is asked about by the rule s.echo(path=/tmp/*)");
    expect(exitCode).toBe(6);
    expect((await place.run(["run", "go", "--allow", "s.echo"])).exitCode).toBe(0);
  });

  test("a deny rule hides the tool; with arguments, it tells the model the reason, whatever other rules allow", async () => {
    configure({ deny: ["mcp__s__echo"] });
    await place.run(["run", "go", "--yes"]);
    expect(offeredIn(llm.requests[0]?.body)).toContain("s__drip");
    expect(offeredIn(llm.requests[0]?.body)).not.toContain("s__echo");
    configure({ deny: ["s.*(path=/tmp/*)"], allow: ["*"] });
    const before = llm.requests.length;
    await place.run(["run", "go", "--yes"]);
    const [first, second] = llm.requests.slice(before);
    expect(offeredIn(first?.body)).toContain("s__echo");
    expect(JSON.stringify(second?.body.messages?.at(-1))).toContain(
      "not run: the user's policy denies s__echo with these arguments, by the rule s.*(path=/tmp/*)",
    );
  });

  test("annotations count only for a trusted server", async () => {
    const tool = { name: "echo", inputSchema: { type: "object" }, annotations: { readOnlyHint: true } };
    for (const [trusted, exitCode] of [
      [false, 6],
      [true, 0],
    ] as const) {
      configure({ allow: ["@readonly"] }, fixtureServer({ pages: [[tool]] }, { trusted }));
      expect((await run()).exitCode).toBe(exitCode);
    }
  });

  test("a rule that is not a pattern is an error with its place in the file", async () => {
    configure({ deny: ["s.echo", "s.*@dangerous"] });
    const { exitCode, stderr } = await run();
    expect(stderr).toMatch(
      /config\.yaml:\d+:\d+ chat\.service\.permissions\.deny\[1\]: "@dangerous" is not an annotation/,
    );
    expect(exitCode).toBe(2);
  });
});

describe("a remembered answer", () => {
  test("for the project holds in later processes of this folder, and in no other folder", async () => {
    const asked = await talk([{ allow: true, remember: "project" }]);
    expect(ofType(asked, "question")).toMatchObject([{ server: "s", tool: "echo" }]);
    expect((await run()).exitCode).toBe(0);
    expect((await run("other")).exitCode).toBe(6);
    expect(ofType(await talk([]), "question")).toEqual([]);
  });

  (noPostgres ? test.skip : test)(
    "for the project holds in no other folder, although its host has the same database",
    async () => {
      const storage = { driver: "postgres", url: await newDatabaseUrl() };
      place.configure(configFor(llm.url, { s: fixtureServer() }, { chat: { storage } }));
      await talk([{ allow: true, remember: "project" }]);
      expect((await run()).exitCode).toBe(0);
      expect((await run("other")).exitCode).toBe(6);
    },
  );

  test("always holds in every folder, but only for the server that is started the same way", async () => {
    await talk([{ allow: true, remember: "always" }]);
    expect((await run("other")).exitCode).toBe(0);
    configure({}, fixtureServer({ greeting: "another program" }));
    expect((await run()).exitCode).toBe(6);
  });

  test("always holds only in its folder if files of the folder decide what the server is", async () => {
    place.configure(configFor(llm.url));
    const servers = JSON.stringify({ mcpServers: { s: { command: "node", args: ["server.mjs"] } } });
    for (const folder of ["one", "other"]) {
      mkdirSync(join(place.folder, folder));
      copyFileSync("tests/support/mcp-server.mjs", join(place.folder, folder, "server.mjs"));
      place.write(join(folder, "mcp.json"), servers);
    }
    const starting = (folder: string, ...args: string[]) => start(folder, "--mcp-config", "mcp.json", ...args);
    await talk([{ allow: true, remember: "always" }], starting("one", "stdio"));
    expect((await ended(starting("one", "run", "go"), "")).exitCode).toBe(0);
    expect((await ended(starting("other", "run", "go"), "")).exitCode).toBe(6);
  });

  test("no is remembered too: nobody is asked again, and the model is told", async () => {
    await talk([{ allow: false, remember: "always" }]);
    const later = await talk([]);
    expect(ofType(later, "question")).toEqual([]);
    expect(JSON.stringify(ofType(later, "tool_result"))).toContain("the user has said no to s__echo for good");
    expect((await place.run(["run", "go", "--allow", "s.echo"])).exitCode).toBe(0);
  });

  test("once or for the session ends with the process", async () => {
    await talk([true]);
    await talk([{ allow: true, remember: "session" }]);
    expect((await run()).exitCode).toBe(6);
    expect((await place.run(["approvals"])).stdout).toBe("no answer is kept\n");
  });

  test("does not silence a rule that asks", async () => {
    configure({ ask: ["s.echo"] });
    const asked = await talk([{ allow: true, remember: "always" }]);
    expect(ofType(asked, "question")).toMatchObject([{ once_only: true }]);
    expect(ofType(asked, "tool_result")).toMatchObject([{ is_error: false }]);
    expect((await place.run(["approvals"])).stdout).toBe("no answer is kept\n");
  });

  test("with an unknown word is refused, and the question stays open", async () => {
    const chunks = await talk([{ allow: true, remember: "forever" }, "yes", { remember: "always" }, true]);
    const errors = chunks.filter((chunk) => chunk.error !== undefined);
    expect(errors).toMatchObject([
      {
        action: "answer",
        kind: "bad_message",
        error: expect.stringContaining('one of "session", "project", "always"'),
      },
      { action: "answer", error: expect.stringContaining("expected true, false or") },
      { action: "answer", error: expect.stringContaining("expected true, false or") },
    ]);
    expect(ofType(chunks, "tool_result")).toMatchObject([{ is_error: false }]);
    expect((await place.run(["approvals"])).stdout).toBe("no answer is kept\n");
  });

  test("is listed, and forgotten by name or with --all", async () => {
    await talk([{ allow: true, remember: "project" }]);
    await talk([], start("other", "stdio"));
    const { stdout } = await place.run(["approvals", "list"]);
    expect(stdout).toMatch(/^s\.echo {2}allow {2}in \/.* {2}since \d{4}-\d\d-\d\d \d\d:\d\d UTC\n$/);
    const [one] = JSON.parse((await place.run(["approvals", "list", "--json"])).stdout);
    expect(one).toMatchObject({ server: "s", tool: "echo", allow: true, remember: "project" });
    expect((await place.run(["approvals", "forget", "t.*"])).stdout).toBe("no kept answer matches\n");
    expect((await run()).exitCode).toBe(0);
    expect((await place.run(["approvals", "forget", "mcp__s__echo"])).stdout).toMatch(/^forgotten:\ns\.echo {2}allow/);
    expect((await run()).exitCode).toBe(6);
    await talk([{ allow: false, remember: "always" }]);
    await place.run(["approvals", "forget", "--all"]);
    expect((await place.run(["approvals"])).stdout).toBe("no answer is kept\n");
  });

  test.each([[[]], [["s.*", "--all"]], [["s.*(a=1)"]], [["@readonly"]]])("forget %j is a usage error", async (args) => {
    const { exitCode, stderr } = await place.run(["approvals", "forget", ...args]);
    expect(stderr).toContain("error: ");
    expect(exitCode).toBe(2);
  });
});
