import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { fixtureServer } from "../support/app.js";
import { configFor, ended, Workplace } from "../support/cli.js";
import { answer, failure, startLlmServer } from "../support/llm-server.js";

const session = (more: string) => `permissions: { approval: auto }\nvars: { who: nobody }\nsteps:\n${more}`;
const echo = (value: string) =>
  `  - tool: { name: s.echo, args: { who: "{{who}}" } }\n    assert: [{ type: contains, value: ${value} }]\n`;

function configured(llm = "http://127.0.0.1:9/v1"): Workplace {
  const place = new Workplace();
  place.configure(configFor(llm, { s: fixtureServer() }));
  return place;
}

describe("mcp-platform run FILE.session.yaml", () => {
  test("runs the steps with the configured servers, reports each step and exits with 0", async () => {
    using place = configured();
    place.write("a.session.yaml", session(echo("you")));
    const { exitCode, stdout, stderr } = await place.run(["run", "a.session.yaml", "--var", "who=you"]);
    expect(stderr).toContain("ok      s.echo");
    expect(stdout).toMatch(/^passed a\.session\.yaml a \(test\/m1, [\d.]+ m?s\)\n$/);
    expect(exitCode).toBe(0);
  });

  test("takes values of --var as JSON where they are JSON", async () => {
    using place = configured();
    place.write("a.session.yaml", session('  - tool: { name: s.echo, args: { who: "{{who.name}}" } }\n'));
    expect((await place.run(["run", "a.session.yaml", "--var", 'who={"name":[1]}'])).exitCode).toBe(0);
  });

  test("exits with 8 if an assertion fails, with its place and reason, after running the other files", async () => {
    using place = configured();
    place.write("a.session.yaml", session(`${echo("you")}  - set: { b: 1 }\n`));
    place.write("b.session.yaml", session(echo("nobody")));
    const { exitCode, stdout } = await place.run(["run", "a.session.yaml", "b.session.yaml", "--jobs", "1"]);
    expect(stdout).toMatch(/^FAILED a\.session\.yaml .*\npassed b\.session\.yaml /);
    expect(stdout).toMatch(/\n +a\.session\.yaml:4 s\.echo\n +a\.session\.yaml:5 contains: expected .*you/);
    expect(exitCode).toBe(8);
    const alone = await place.run(["run", "a.session.yaml"]);
    expect(alone.stderr).toMatch(/FAILED {2}s\.echo.*\n +a\.session\.yaml:5: expected .*you/);
    expect(alone.stderr).toContain("skipped set b");
    expect(alone.stdout).toMatch(/^FAILED a\.session\.yaml .*\n$/);
  });

  test("exits with 2 and prints a line for each mistake in any file, before anything is started", async () => {
    using place = configured();
    place.write("a.session.yaml", "steps:\n  - usr: hi\n");
    place.write("b.session.yaml", "steps: []\n");
    const { exitCode, stdout, stderr } = await place.run(["run", "a.session.yaml", "b.session.yaml"]);
    expect(stderr).toBe(
      'a.session.yaml:2:5 steps[0].usr: unknown key "usr" (did you mean "user"?)\n' +
        "b.session.yaml:1:8 steps: must not be empty\n",
    );
    expect([exitCode, stdout]).toEqual([2, ""]);
  });

  test("exits like a prompt if the provider refuses or a server is down", async () => {
    using place = new Workplace();
    place.write("a.session.yaml", "steps: [{ user: hi }]\n");
    place.write("b.session.yaml", "mcpServers: { db: { command: /nowhere/at-all } }\nsteps: [{ set: { a: 1 } }]\n");
    await using llm = await startLlmServer([failure(401)]);
    place.configure(configFor(llm.url, {}));
    expect((await place.run(["run", "a.session.yaml"])).exitCode).toBe(3);
    const { exitCode, stdout } = await place.run(["run", "b.session.yaml"]);
    expect(stdout).toContain("mcpServers.db: ");
    expect(exitCode).toBe(5);
  });

  test("records a cassette and plays it", async () => {
    using place = new Workplace();
    place.write("a.session.yaml", "steps: [{ user: hi, assert: [{ type: equals, value: hello }] }]\n");
    {
      await using llm = await startLlmServer([answer("hello")]);
      place.configure(configFor(llm.url, {}));
      expect((await place.run(["run", "a.session.yaml", "--record"])).exitCode).toBe(0);
    }
    expect(existsSync(join(place.folder, "a.cassette.jsonl"))).toBe(true);
    const secret = { mcpServers: { s: { command: "x", env: { TOKEN: "${SOME_TOKEN}" } } } };
    place.write("mcp.json", JSON.stringify(secret));
    const played = await place.run(["--mcp-config", "mcp.json", "run", "a.session.yaml", "--replay"]);
    expect(played).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^passed /) });
    expect((await place.run(["--mcp-config", "mcp.json", "run", "a.session.yaml"])).exitCode).toBe(2);
    expect((await place.run(["run", "a.session.yaml", "--replay", "--record"])).exitCode).toBe(2);
  });

  test("can be started as an executable file with a shebang, from any folder", async () => {
    using place = configured();
    const file = place.write("hi.session.yaml", `#!/usr/bin/env -S mcp-platform run\n${session(echo("me"))}`);
    chmodSync(file, 0o755);
    mkdirSync(join(place.folder, "bin"));
    symlinkSync(resolve("dist/main.js"), join(place.folder, "bin/mcp-platform"));
    const env = { ...place.environment, PATH: `${place.folder}/bin:${process.env.PATH}` };
    const child = spawn(file, ["--var", "who=me"], { cwd: place.folder, env });
    expect(await ended(child)).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^passed /) });
  });
});

test("flags of session files are refused for a prompt, and so is a prompt in several words", async () => {
  using place = configured();
  expect(await place.run(["run", "hi", "--record"])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("--record is for"),
  });
  expect((await place.run(["run", "two", "words"])).exitCode).toBe(2);
});

test.each([
  ["--session", "src/scripted/session.schema.json"],
  ["", "src/config/config.schema.json"],
])("config schema %s prints the schema", async (flag, file) => {
  using place = new Workplace();
  const { stdout } = await place.run(["config", "schema", flag].filter(Boolean));
  expect(stdout).toBe(readFileSync(file, "utf8"));
});
