/** Runs each command once, in a process of its own. The slow tests in this folder cover its other forms and options. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { fixtureServer } from "../support/app.js";
import { configFor, type Ended, ended, Workplace } from "../support/cli.js";
import { answer, type LlmServer, startLlmServer, toolCalls } from "../support/llm-server.js";
import { until } from "../support/mcp-hub.js";

const place = new Workplace();
let llm: LlmServer;

beforeAll(async () => {
  llm = await startLlmServer(({ body }) => {
    const last = body.messages?.at(-1);
    return last?.role === "user" && String(last.content).startsWith("use")
      ? toolCalls([{ name: "s__echo", arguments: { n: 1 } }])
      : answer("fine");
  });
  place.configure(configFor(llm.url, { s: fixtureServer() }));
  place.write(
    "a.session.yaml",
    "permissions: { approval: auto }\nsteps:\n  - tool: { name: s.echo, args: { n: 1 } }\n",
  );
});

afterAll(async () => {
  place[Symbol.dispose]();
  await llm[Symbol.asyncDispose]();
});

/** Returns the stdout of a command that succeeds. */
async function outputOf(args: readonly string[], input?: string): Promise<string> {
  const end: Ended = await place.run(args, input);
  expect({ exitCode: end.exitCode, stderr: end.exitCode === 0 ? "" : end.stderr }).toEqual({ exitCode: 0, stderr: "" });
  return end.stdout;
}

/** A JSON-RPC `initialize` request as a line. */
const initialize = (params: object) => `${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params })}\n`;
const clientInfo = { name: "test", version: "1" };

describe("a turn", () => {
  test("run prints only the answer on stdout, with a tool that --allow lets run", async () => {
    expect(await outputOf(["run", "--conversation", "c1", "--allow", "s.echo", "use a tool"])).toBe("fine\n");
  });

  test("run exits with 6 if a tool needs approval, and names the flag", async () => {
    const { exitCode, stderr } = await place.run(["run", "use a tool"]);
    expect([exitCode, stderr]).toEqual([6, expect.stringContaining("--allow")]);
  });

  test("run without a configuration uses the demo model and the demo server", async () => {
    using fresh = new Workplace();
    const { exitCode, stdout } = await fresh.run(["run", "Add 2 and 40 with the add tool"]);
    expect([exitCode, stdout]).toEqual([0, "The answer is 42.\n"]);
  });

  test("text piped in without a command is sent as one prompt", async () => {
    expect(await outputOf([], "hi")).toContain("fine");
  });

  test("run plays a session file", async () => {
    expect(await outputOf(["run", "a.session.yaml"])).toContain("passed a.session.yaml");
  });
});

describe("a front door", () => {
  test("stdio answers a request by JSON lines", async () => {
    const request = { action: "chat", request_id: "r1", payload: { text: "hi" } };
    const lines = (await outputOf(["stdio"], `${JSON.stringify(request)}\n`)).trimEnd().split("\n");
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ request_id: "r1", status: "complete" });
  });

  test("acp introduces itself to an editor", async () => {
    const said = await outputOf(["acp"], initialize({ protocolVersion: 1, clientCapabilities: {} }));
    expect(JSON.parse(said)).toMatchObject({ id: 1, result: { protocolVersion: 1 } });
  });

  test("mcp introduces itself to a host", async () => {
    const said = await outputOf(["mcp"], initialize({ protocolVersion: "2025-06-18", capabilities: {}, clientInfo }));
    expect(JSON.parse(said)).toMatchObject({ id: 1, result: { protocolVersion: "2025-06-18" } });
  });

  test("serve listens, answers a probe and an API call, and ends when asked to", async () => {
    const child = place.start("serve", "--port", "0", "--no-token");
    const end = ended(child);
    let said = "";
    child.stderr?.on("data", (text) => {
      said += text;
    });
    await until(() => /listening on \S+\s/.test(said));
    const url = /listening on (\S+)/.exec(said)?.[1];
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const body = JSON.stringify({ model: "m1", messages: [{ role: "user", content: "hi" }] });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
    expect(await response.json()).toMatchObject({ choices: [{ message: { content: "fine" } }] });
    child.kill("SIGINT");
    expect((await end).exitCode).toBe(130);
  });
});

describe("a command that only reads", () => {
  test.each<[string[], string | RegExp]>([
    [["sessions", "list"], /^c1 .* use a tool$/m],
    [["usage"], /^total +\d/m],
    [["tools"], "s.echo"],
    [["servers", "list"], /^s /m],
    [["config", "show"], "mcpServers"],
    [["config", "init"], "mcpServers"],
    [["approvals"], "no answer is kept\n"],
    [["nodes"], ""],
    [["migrate"], ""],
    [["doctor"], "s"],
  ])("%j", async (args, text) => {
    expect(await outputOf(args)).toMatch(text);
  });
});

describe("a command that changes something", () => {
  test("sessions are copied", async () => {
    expect(await outputOf(["sessions", "fork", "c1", "--id", "c2"])).toBe("c2\n");
  });

  test("servers are added and removed", async () => {
    await outputOf(["servers", "add", "other", "node", "x.js"]);
    await outputOf(["servers", "remove", "other"]);
    expect(await outputOf(["servers", "list"])).not.toContain("other");
  });
});

test("an output format of Claude Code's command line is refused with how its programs can use this host", async () => {
  for (const flag of ["--input-format", "--output-format"]) {
    const { exitCode, stderr } = await place.run(["run", "hi", flag, "claude-stream-json"]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("ANTHROPIC_BASE_URL")]);
  }
});

test("the command that counted usage anew is refused, and the message names the one that shows the counts", async () => {
  const { exitCode, stderr } = await place.run(["rebuild"]);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining("mcp-platform usage")]);
});
