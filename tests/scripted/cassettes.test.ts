import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { fixtureServer } from "../support/app.js";
import { answer, failure, type Step, startLlmServer, toolCalls } from "../support/llm-server.js";
import { ScriptFolder, verdicts } from "./support.js";

const steps = [
  { user: "echo both" },
  { answer: true },
  { tool: { name: "fs.echo", args: { n: 1 } } },
  { parallel: [{ user: "left" }, { user: "right" }] },
];
const session = { permissions: { allow: ["fs.echo(n=*)"] }, mcpServers: { fs: fixtureServer() }, steps };

/** Records the session with a model that calls two tools at once. */
async function record(folder: ScriptFolder) {
  await using llm = await startLlmServer(({ body }) => {
    const last = body.messages?.at(-1);
    if (last?.content !== "echo both") return answer(`heard ${last?.role}`);
    const calls = ["a", "b"].map((text) => ({ name: "fs__echo", arguments: { n: text }, id: `call_${text}` }));
    return toolCalls([...calls, { name: "fs__log", arguments: { level: "info", data: "x" }, id: "call_c" }]);
  });
  folder.write("a.session.yaml", session);
  return await folder.run("a.session.yaml", { llm: llm.url, cassette: "record" });
}

describe("a recorded session", () => {
  test("plays without its servers and its provider, to the same transcript every time", async () => {
    using folder = new ScriptFolder();
    const recorded = await record(folder);
    expect(verdicts(recorded)).toEqual(Array(5).fill("passed"));
    folder.write("a.session.yaml", { ...session, mcpServers: { fs: { command: "/nowhere/at-all" } } });
    for (let time = 0; time < 5; time++) {
      const played = await folder.run("a.session.yaml", { cassette: "replay" });
      expect(verdicts(played)).toEqual(Array(5).fill("passed"));
      expect(played.transcript).toBe(recorded.transcript);
    }
    expect(recorded.transcript).toContain('"conversation":"main/2"');
    expect(recorded.transcript).not.toMatch(/"(at|seq)":|_[0-9a-f]{32}/);
  });

  test("fails by its cassette, and not by a server that is down, where a server is new", async () => {
    using folder = new ScriptFolder();
    await record(folder);
    const mcpServers = { ...session.mcpServers, late: { command: "/nowhere/at-all" } };
    folder.write("a.session.yaml", { ...session, mcpServers });
    const { error } = await folder.run("a.session.yaml", { cassette: "replay" });
    expect(error).toMatchObject({
      kind: "cassette",
      message: expect.stringMatching(/nothing is recorded .* server late$/),
    });
  });

  test.each(["record", "record-missing"] as const)(
    "leaves the cassette as it was if the provider fails in the middle (%s)",
    async (cassette) => {
      using folder = new ScriptFolder();
      folder.write("a.session.yaml", { steps: [{ user: "one" }, { user: "two" }] });
      const run = async (...answers: Step[]) => {
        await using llm = await startLlmServer(answers);
        return verdicts(await folder.run("a.session.yaml", { llm: llm.url, cassette }));
      };
      const path = join(folder.path, "a.cassette.jsonl");
      expect((await run(failure(401)))[0]).toMatch(/^auth: /);
      expect(existsSync(path)).toBe(false);
      expect(await run(answer("1"), answer("2"))).toEqual(["passed", "passed"]);
      const recorded = readFileSync(path, "utf8");
      folder.write("a.session.yaml", { steps: [{ user: "one" }, { user: "three" }] });
      const refused = await run(...(cassette === "record" ? [answer("1")] : []), failure(401));
      expect(refused[1]).toMatch(/^auth: /);
      expect(readFileSync(path, "utf8")).toBe(recorded);
    },
  );

  test("is played by itself where CI is set and there is a cassette", async () => {
    using folder = new ScriptFolder();
    await record(folder);
    const env = { HOME: folder.path, CI: "true" };
    expect((await folder.run("a.session.yaml", { env })).passed).toBe(true);
    for (const ci of ["false", "0", ""]) {
      expect((await folder.run("a.session.yaml", { env: { ...env, CI: ci } })).passed).toBe(false);
    }
    rmSync(join(folder.path, "a.cassette.jsonl"));
    expect((await folder.run("a.session.yaml", { env })).passed).toBe(false);
  });

  test("fails at the step that asks for something else, with the field", async () => {
    using folder = new ScriptFolder();
    await record(folder);
    const changed = steps.map((step) => ("tool" in step ? { tool: { name: "fs.echo", args: { n: 2 } } } : step));
    folder.write("a.session.yaml", { ...session, steps: changed });
    const { steps: results } = await folder.run("a.session.yaml", { cassette: "replay" });
    const failed = results.find(({ passed }) => !passed);
    expect(failed).toMatchObject({ name: "fs.echo", kind: "tool", error: { kind: "cassette" } });
    expect(failed?.error?.message).toMatch(/\$\.arguments\.n|\$\.params\.arguments\.n/);
    expect(results.slice(3).every(({ skipped }) => skipped)).toBe(true);
  });

  test("fails at the turn that asks for something else, and a step that is new", async () => {
    using folder = new ScriptFolder();
    await record(folder);
    folder.write("a.session.yaml", { ...session, steps: [...steps, { user: "one more" }] });
    const { steps: results } = await folder.run("a.session.yaml", { cassette: "replay" });
    expect(results.at(-1)).toMatchObject({ name: "one more", passed: false, error: { kind: "cassette" } });
  });

  describe("plays where the configuration names no model", () => {
    const path = (folder: ScriptFolder) => join(folder.path, "a.cassette.jsonl");
    const replay = (folder: ScriptFolder, model?: string) =>
      folder.run("a.session.yaml", { config: {}, cassette: "replay", model });
    const forgetHead = (folder: ScriptFolder) => {
      const [, ...lines] = readFileSync(path(folder), "utf8").split("\n");
      writeFileSync(path(folder), ['{"cassette":1}', ...lines].join("\n"));
    };

    test("with that of llm.active, which the cassette names", async () => {
      using folder = new ScriptFolder();
      const recorded = await record(folder);
      expect(readFileSync(path(folder), "utf8")).toMatch(/^\{"cassette":1,"llm":\{"active":"test","model":"m1"\}\}\n/);
      const played = await replay(folder);
      expect(verdicts(played)).toEqual(Array(5).fill("passed"));
      expect(played.transcript).toBe(recorded.transcript);
    });

    test("with that of llm.providers that a key chose, which the cassette names", async () => {
      using folder = new ScriptFolder();
      await using llm = await startLlmServer([answer("1")]);
      const openai = { base_url: llm.url, model: "m1", wire: "chat", api_key: "sk-test-0123456789" };
      folder.write("a.session.yaml", { steps: [{ user: "one" }] });
      const recorded = await folder.run("a.session.yaml", {
        config: { llm: { providers: { openai } } },
        cassette: "record",
      });
      expect([recorded.model, verdicts(recorded)]).toEqual(["openai/m1", ["passed"]]);
      const played = await replay(folder);
      expect([played.model, verdicts(played)]).toEqual(["openai/m1", ["passed"]]);
    });

    test("the model of the script counts before that of the cassette", async () => {
      using folder = new ScriptFolder();
      await record(folder);
      folder.write("a.session.yaml", { ...session, model: "test/m2" });
      expect((await replay(folder)).passed).toBe(false);
      expect((await replay(folder, "test/m1")).passed).toBe(true);
    });

    test("a cassette of an earlier version has it in its first answer", async () => {
      using folder = new ScriptFolder();
      await record(folder);
      forgetHead(folder);
      expect(verdicts(await replay(folder))).toEqual(Array(5).fill("passed"));
    });

    test("a cassette without an answer of a model needs one only by its name", async () => {
      using folder = new ScriptFolder();
      folder.write("a.session.yaml", { ...session, steps: [{ tool: { name: "fs.echo", args: { n: 1 } } }] });
      expect((await folder.run("a.session.yaml", { cassette: "record" })).passed).toBe(true);
      expect((await replay(folder)).passed).toBe(true);
      forgetHead(folder);
      expect((await replay(folder, "openai/m1")).passed).toBe(true);
      expect((await replay(folder)).error).toMatchObject({
        message: "llm.active is not set",
        hint: expect.stringContaining("provider/model"),
      });
    });
  });

  test("plays without the variables that its servers need", async () => {
    using folder = new ScriptFolder();
    const mcpServers = {
      fs: fixtureServer({}, { env: { TOKEN: "${SOME_TOKEN}" } }),
      web: { url: "${SOME_URL}/mcp", enabled: false },
    };
    folder.write("a.session.yaml", {
      mcpServers,
      permissions: { approval: "auto" },
      steps: [{ tool: { name: "fs.echo" } }],
    });
    const env = { HOME: folder.path };
    await expect(folder.run("a.session.yaml", { env })).rejects.toThrow("environment variable SOME_TOKEN is not set");
    await folder.run("a.session.yaml", { env: { ...env, SOME_TOKEN: "abcdefghijk" }, cassette: "record" });
    expect(verdicts(await folder.run("a.session.yaml", { env, cassette: "replay" }))).toEqual(["passed"]);
  });

  test("is kept when a new recording could not begin", async () => {
    using folder = new ScriptFolder();
    await record(folder);
    folder.write("a.session.yaml", { ...session, mcpServers: { fs: { command: "/nowhere/at-all" } } });
    const result = await folder.run("a.session.yaml", { cassette: "record" });
    expect(result.error?.kind).toBe("required_server_down");
    expect((await folder.run("a.session.yaml", { cassette: "replay" })).passed).toBe(true);
  });

  test("names the missing file when there is no cassette", async () => {
    using folder = new ScriptFolder();
    folder.write("a.session.yaml", session);
    await expect(folder.run("a.session.yaml", { cassette: "replay" })).rejects.toThrow(/a\.cassette\.jsonl/);
  });

  test("takes what is new along with record-missing", async () => {
    using folder = new ScriptFolder();
    await record(folder);
    const before = readFileSync(join(folder.path, "a.cassette.jsonl"), "utf8");
    folder.write("a.session.yaml", { ...session, steps: [...steps, { user: "one more" }] });
    await using llm = await startLlmServer([answer("new")]);
    const result = await folder.run("a.session.yaml", { llm: llm.url, cassette: "record-missing" });
    expect(result.passed).toBe(true);
    expect(readFileSync(join(folder.path, "a.cassette.jsonl"), "utf8").length).toBeGreaterThan(before.length);
    expect((await folder.run("a.session.yaml", { cassette: "replay" })).passed).toBe(true);
  });
});

describe("a replay", () => {
  test("sends nothing out, writes no log and reads no variable, whatever the script's settings say", async () => {
    using folder = new ScriptFolder();
    const asked: string[] = [];
    const collector = createServer((request, response) => {
      asked.push(`${request.url} ${request.headers["x-key"]}`);
      response.end();
    }).listen(0, "127.0.0.1");
    await once(collector, "listening");
    const { port } = collector.address() as AddressInfo;
    const path = join(folder.path, "kept.db");
    const system = "You know ${SECRET:-nothing}.";
    const said = { steps: [{ user: "hi" }], config: { chat: { service: { system_prompt: system } } } };
    const env = { HOME: folder.path };
    {
      await using llm = await startLlmServer([answer("hello")]);
      folder.write("a.session.yaml", said);
      expect(verdicts(await folder.run("a.session.yaml", { llm: llm.url, cassette: "record", env }))).toEqual([
        "passed",
      ]);
    }
    folder.write("a.session.yaml", {
      ...said,
      config: {
        chat: { ...said.config.chat, storage: { driver: "sqlite", path } },
        telemetry: { endpoint: `http://127.0.0.1:${port}`, headers: { "x-key": "${SECRET}" } },
      },
    });
    const played = await folder.run("a.session.yaml", { cassette: "replay", env: { ...env, SECRET: "sk-mine" } });
    expect(verdicts(played)).toEqual(["passed"]);
    expect(asked).toEqual([]);
    expect(existsSync(path)).toBe(false);
    collector.close();
  });

  test("connects to no database that the script's settings name", async () => {
    using folder = new ScriptFolder();
    const script = { steps: [{ user: "hi" }] };
    {
      await using llm = await startLlmServer([answer("hello")]);
      folder.write("a.session.yaml", script);
      await folder.run("a.session.yaml", { llm: llm.url, cassette: "record" });
    }
    let connections = 0;
    const database = createTcpServer((socket) => {
      connections++;
      socket.destroy();
    }).listen(0, "127.0.0.1");
    await once(database, "listening");
    const url = `postgres://user:\${SECRET}@127.0.0.1:${(database.address() as AddressInfo).port}/log`;
    folder.write("a.session.yaml", { ...script, config: { chat: { storage: { url } } } });
    const env = { HOME: folder.path, SECRET: "sk-mine" };
    const played = await folder.run("a.session.yaml", { cassette: "replay", env }).finally(() => database.close());
    expect(connections).toBe(0);
    expect(verdicts(played)).toEqual(["passed"]);
  });
});
