import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { Sink } from "../../doors/support.js";
import { fixtureServer } from "../../support/app.js";
import { configFor, ended, Workplace } from "../../support/cli.js";
import { answer, stall, startLlmServer, stream } from "../../support/llm-server.js";

/** Makes a workplace with the model at this URL, which gives the same answer to every prompt. */
function workplace(llm: string): Workplace {
  const place = new Workplace();
  place.configure(configFor(llm));
  return place;
}

const expecting = (value: string, prompt = "hi") =>
  `steps:\n  - user: ${prompt}\n    assert: [{ type: equals, value: ${value} }]\n`;
const echoing = () => startLlmServer(({ body }) => answer(String(body.messages?.at(-1)?.content)));

describe("many session files", () => {
  test("are found by a glob, run, and reported to a person and to programs at once", async () => {
    await using llm = await echoing();
    using place = workplace(llm.url);
    place.write("a.session.yaml", expecting("hi"));
    place.write("b.session.yaml", expecting("ho"));
    const reporters = ["--reporter", "pretty", "--reporter", "junit=j.xml", "--reporter", "json=r.json"];
    const { exitCode, stdout } = await place.run(["run", "**/*.session.yaml", ...reporters, "--summary", "s.html"]);
    expect(exitCode).toBe(8);
    expect(stdout).toMatch(/^passed a\.session\.yaml a /m);
    expect(stdout).toMatch(/\n1 passed, 1 failed \(/);
    const [, path = ""] = /transcript: (.*)/.exec(stdout) ?? [];
    expect(readFileSync(path, "utf8")).toContain('"type":"user_message"');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(place.folder, "j.xml"), "utf8")).toContain('<testsuite name="b"');
    expect(JSON.parse(readFileSync(join(place.folder, "r.json"), "utf8")).counts).toMatchObject({
      passed: 1,
      failed: 1,
    });
    expect(readFileSync(join(place.folder, "s.html"), "utf8")).toContain("1 of 2 runs passed");
  });

  test("do not begin where a summary cannot be written", async () => {
    await using llm = await echoing();
    using place = workplace(llm.url);
    place.write("a.session.yaml", expecting("hi"));
    const { exitCode, stdout, stderr } = await place.run(["run", "a.session.yaml", "--summary", "no/such/s.html"]);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/no\/such\/s\.html cannot be written/);
    expect(llm.requests).toHaveLength(0);
  });

  test("have their names in one line", async () => {
    using place = workplace("http://127.0.0.1:9/v1");
    place.write("a.session.yaml", 'name: "a\\npassed b"\nsteps: [{ set: { a: 1 }, name: "x\\n  ok y" }]\n');
    const { stdout, stderr } = await place.run(["run", "a.session.yaml"]);
    expect(stdout).toMatch(/^passed a\.session\.yaml a passed b \(.*\)\n$/);
    expect(stderr).toMatch(/^ {2}ok {6}x ok y \(.*\)\n$/);
  });

  test("tell no secret of the configuration or of the script's servers, in no report and no transcript", async () => {
    const ofProvider = "sk-test-0123456789";
    const ofServer = "word of a server/1234";
    await using llm = await startLlmServer(() => answer(`I know ${ofProvider}, ${ofServer} and ${"x".repeat(300)}`));
    using place = workplace(llm.url);
    const mcpServers = { fs: fixtureServer({}, { env: { DB_PASSWORD: ofServer } }) };
    const head = `name: of ${ofServer}\nmcpServers: ${JSON.stringify(mcpServers)}\n`;
    place.write("a.session.yaml", head + expecting("x", `"say ${ofServer}"`));
    const reporters = ["json", "junit", "tap"].flatMap((name) => ["--reporter", `${name}=r.${name}`]);
    const summaries = ["html", "json", "md"].flatMap((end) => ["--summary", `s.${end}`]);
    const { exitCode, stdout, stderr } = await place.run([
      "run",
      "a.session.yaml",
      ...reporters,
      "--reporter",
      "pretty",
      ...summaries,
      "--transcripts",
      "said",
    ]);
    expect(exitCode).toBe(8);
    const files = [
      "r.json",
      "r.junit",
      "r.tap",
      "s.html",
      "s.json",
      "s.md",
      ...readdirSync(join(place.folder, "said")),
    ];
    const texts = files.map((name) => {
      return readFileSync(join(place.folder, name.endsWith(".jsonl") ? `said/${name}` : name), "utf8");
    });
    for (const text of [stdout, stderr, ...texts, files.join()]) {
      for (const secret of [ofProvider, ofServer, "word-of-a-server"]) expect(text).not.toContain(secret);
    }
    for (const text of [stdout, ...texts]) expect(text).toContain("redacted");
  });

  test("keep all transcripts where they are told to", async () => {
    await using llm = await echoing();
    using place = workplace(llm.url);
    place.write("a.session.yaml", expecting("hi"));
    const { exitCode } = await place.run(["run", ".", "--repeat", "2", "--transcripts", "said", "--reporter", "tap"]);
    expect([exitCode, readdirSync(join(place.folder, "said"))]).toEqual([0, ["001-a-1.jsonl", "002-a-2.jsonl"]]);
  });

  test("get a variable as it was typed", async () => {
    await using llm = await echoing();
    using place = workplace(llm.url);
    place.write("a.session.yaml", expecting('"{{x}} {{y}} {{z}}"', '"{{x}} {{y}} {{z}}"'));
    const vars = ["--var", "x=1.10", "--var", "y=9007199254740993", "--var", "z=[1,2]"];
    expect((await place.run(["run", "a.session.yaml", ...vars])).exitCode).toBe(0);
    expect(llm.requests[0]?.body.messages?.at(-1)?.content).toBe("1.10 9007199254740993 [1,2]");
  });

  test("record each cell of a matrix into a cassette of its own, and play them without a model", async () => {
    using place = new Workplace();
    place.write("a.session.yaml", `matrix: { vars: { who: [x, y] } }\n${expecting('"{{who}}"', '"{{who}}"')}`);
    {
      await using llm = await echoing();
      place.configure(configFor(llm.url));
      expect((await place.run(["run", "a.session.yaml", "--record"])).exitCode).toBe(0);
    }
    const cassettes = readdirSync(place.folder).filter((name) => name.endsWith(".jsonl"));
    expect(cassettes.sort()).toEqual(["a.who-x.cassette.jsonl", "a.who-y.cassette.jsonl"]);
    expect((await place.run(["run", "a.session.yaml", "--replay", "--repeat", "3"])).exitCode).toBe(0);
    const faulty = await place.run(["run", "a.session.yaml", "--grep", "who=x", "--fault", "llm[1]=401"]);
    expect(faulty).toMatchObject({ exitCode: 3, stdout: expect.stringContaining("FAILED a.session.yaml a [who=x]") });
  });

  test.each([
    ["--grep that leaves none", ["--grep", "nobody"], "no name of the 2 runs"],
    ["a folder that cannot be written to", ["--output", "no/r.json"], "no/r.json cannot be written"],
    ["two reporters on stdout", ["--reporter", "tap", "--reporter", "json"], "only one reporter can write to stdout"],
    ["a reporter that nobody knows", ["--reporter", "html"], "one of pretty, json, junit, tap"],
    ["a summary of no known kind", ["--summary", "s.txt"], ".html, .json or .md"],
    ["no jobs", ["--jobs", "0"], "a whole number from 1"],
    ["repeats that would record over each other", ["--repeat", "2", "--record"], "cannot be used with"],
    ["one cassette for two", ["--record"], "a.session.yaml:1 records into the same cassette"],
    ["a fault of unknown form", ["--record-missing", "--fault", "llm=429"], '"llm=429" is not a fault'],
    ["no cassette to play", ["--replay"], "one.jsonl: there is no such cassette; record it first (--record)"],
    ["transcripts in a file", ["--transcripts", "a.session.yaml"], "a.session.yaml is a file; name a folder"],
    ["a folder that is not there", ["nothing/"], "nothing/: no such file or folder"],
    ["a flag of prompts", ["--yes"], "--yes is for a prompt"],
  ])("are not begun with %s", async (_, flags, message) => {
    await using llm = await startLlmServer([]);
    using place = workplace(llm.url);
    for (const name of ["a", "b"]) place.write(`${name}.session.yaml`, `cassette: one.jsonl\n${expecting("x")}`);
    const { exitCode, stderr, stdout } = await place.run(["run", "a.session.yaml", "b.session.yaml", ...flags]);
    expect(stderr).toContain(message);
    expect([exitCode, stdout]).toEqual([2, ""]);
  });

  test("with mistakes in their settings end with all mistakes, and nothing is begun", async () => {
    await using llm = await startLlmServer([]);
    using place = workplace(llm.url);
    place.write("a.session.yaml", expecting("hi"));
    place.write("b.session.yaml", `config: { chat: { servce: {} } }\n${expecting("hi")}`);
    place.write("c.session.yaml", `mcpServers: { s: { comand: x } }\n${expecting("hi")}`);
    const { exitCode, stderr, stdout } = await place.run(["run", "."]);
    expect(stderr).toMatch(/^b\.session\.yaml:1:.*servce.*\n(.*\n)*c\.session\.yaml:1:.*comand/m);
    expect([exitCode, stdout]).toEqual([2, ""]);
  });
});

describe("--update", () => {
  test("writes what there is, continues with the steps after it, and the next run passes", async () => {
    await using llm = await echoing();
    using place = workplace(llm.url);
    const first = "steps:\n  - user: one\n    assert:\n      - type: equals\n        value: old # then\n";
    const path = place.write("a.session.yaml", first + expecting("two", "two").replace("steps:\n", ""));
    const before = readFileSync(path, "utf8");
    const { exitCode, stderr } = await place.run(["run", ".", "--update"]);
    expect(stderr).toContain("updated a.session.yaml:4 old -> one\n");
    expect(stderr).toMatch(/ok +two/);
    expect(readFileSync(path, "utf8")).toBe(before.replace("old # then", "one # then"));
    expect(exitCode).toBe(0);
    expect((await place.run(["run", "."])).exitCode).toBe(0);
  });

  test("says what it cannot write, and ends with 8", async () => {
    await using llm = await echoing();
    using place = workplace(llm.url);
    place.write("a.session.yaml", `matrix: { vars: { who: [x, y] } }\n${expecting("z", '"{{who}}"')}`);
    const { exitCode, stderr } = await place.run(["run", ".", "--update"]);
    expect(stderr).toBe("a.session.yaml:4 not updated: the runs do not agree on a value\n");
    expect(exitCode).toBe(8);
  });
});

test.each([
  ["Ctrl-C", "SIGINT", 130],
  ["SIGTERM", "SIGTERM", 143],
] as const)("%s ends what runs, tells the results so far and leaves", async (_, signal, code) => {
  let requests = 0;
  await using llm = await startLlmServer(() => (++requests === 1 ? answer("hi") : stream([stall])));
  using place = workplace(llm.url);
  for (const name of ["a", "b", "c", "d", "e"]) place.write(`${name}.session.yaml`, expecting("hi"));
  const child = place.start("run", ".", "--jobs", "2", "--reporter", "json");
  const end = ended(child, "");
  await llm.received(3);
  child.kill(signal);
  const { exitCode, stdout } = await end;
  expect(JSON.parse(stdout).counts).toEqual({ runs: 5, passed: 1, failed: 0, cancelled: 2, skipped: 2 });
  expect(exitCode).toBe(code);
});

const python = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
const onTerminal = spawnSync("python3", ["-c", "import pty"]).status === 0 ? test : test.skip;

onTerminal("on a terminal a bar shows how many there are and what runs", async () => {
  let requests = 0;
  await using llm = await startLlmServer(() => (++requests === 1 ? answer("ho") : stream([stall])));
  using place = workplace(llm.url);
  for (const name of ["a", "b"]) place.write(`${name}.session.yaml`, expecting("hi"));
  const command = `stty cols 70 rows 20; exec ${process.execPath} ${resolve("dist/main.js")} run . --jobs 1`;
  const env = { ...place.environment, TERM: "xterm-256color" };
  const child = spawn("python3", ["-c", python, "sh", "-c", command], { cwd: place.folder, env });
  const screen = new Sink();
  child.stdout.setEncoding("utf8").pipe(screen);
  const end = ended(child);
  await screen.until(/━{8}─{9} 1\/2 · 1 failed · b \d/);
  child.stdin.write("\u0003");
  await screen.until(/FAILED a.*a\.session\.yaml:3 equals: expected.*cancelled b.*1 failed, 1 cancelled/s);
  expect((await end).exitCode).toBe(130);
});
