import { describe, expect, test } from "@jest/globals";
import { fixtureServer, script } from "../support/app.js";
import { answer, startLlmServer } from "../support/llm-server.js";
import { ScriptFolder, verdicts } from "./support.js";

const uri = "demo://x";
const fs = fixtureServer({ resources: [{ uri, name: "x" }] });
const demo = script("dist/demo/mcp-server.js");
const down = fixtureServer({ exitAtStart: { code: 3, stderr: "no database\n" } });
const resource = { resource: { uri }, assert: [{ type: "equals", value: "words" }] };

/** Runs the steps in a new home, so that nothing is known of the servers of the configuration. Records and replays them if `isKept`. */
async function run(steps: object[], mcpServers: object, { permissions = {}, isKept = false } = {}) {
  using folder = new ScriptFolder();
  await using llm = await startLlmServer(() => answer("done"));
  folder.write("a.session.yaml", { vars: { server: "fs", other: "demo" }, permissions, steps });
  const providers = { test: { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789" } };
  const config = { llm: { active: "test", providers }, mcpServers };
  const modes = isKept ? (["record", "replay"] as const) : (["auto"] as const);
  const results = [];
  for (const cassette of modes) results.push(await folder.run("a.session.yaml", { config, cassette }));
  return results;
}

describe("the first step waits for the servers of the configuration that it does not name", () => {
  const allow = ["fs.echo"];

  test.each([
    ["a resource", resource],
    ["a tool with a variable", { tool: { name: "{{server}}.echo", args: { n: 1 } } }],
    ["a prompt with a variable", { prompt: { name: "{{other}}.summarize", args: { topic: "owls" } } }],
    [
      "the host's own tool",
      { tool: { name: "host.read_resource", args: { uri } }, assert: [{ type: "contains", value: "words" }] },
    ],
    ["steps within steps", { repeat: { times: 1, steps: [{ parallel: [resource] }] } }],
  ])("%s, live, recorded and replayed", async (_, step) => {
    const all = [
      ...(await run([step], { fs, demo }, { permissions: { allow } })),
      ...(await run([step], { fs, demo }, { permissions: { allow }, isKept: true })),
    ];
    expect(all.map(verdicts)).toEqual([["passed"], ["passed"], ["passed"]]);
  });
});

describe("a server that is down and that no step names", () => {
  test("does not matter to steps that need it not", async () => {
    const [result] = await run([resource], { fs, db: down });
    expect(result && verdicts(result)).toEqual(["passed"]);
  });

  test.each([
    ["resource", { resource: { uri } }, `no MCP server offers the resource ${uri}`],
    ["tool", { tool: { name: "{{server}}.echo" } }, "there is no tool fs.echo"],
    ["prompt", { prompt: { name: "{{server}}.greet" } }, "there is no prompt fs.greet"],
  ])("fails the step that needs it, by its reason (%s)", async (_, step, message) => {
    const [result] = await run([{ set: { a: 1 } }, step, { set: { b: 1 } }], { fs: down });
    expect(result?.error).toBeUndefined();
    expect(result && verdicts(result)).toEqual([
      "passed",
      expect.stringMatching(new RegExp(`^required_server_down: ${message}.*; mcpServers\\.fs: .*no database`, "s")),
      "skipped",
    ]);
  });

  test("is not named as the reason for a wrong name of another server's tool", async () => {
    const [result] = await run([{ tool: { name: "fs.ecko" } }], { fs, db: down });
    expect(result && verdicts(result)).toEqual(["not_found: there is no tool fs.ecko (did you mean fs.echo?)"]);
  });
});
