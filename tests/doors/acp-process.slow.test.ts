import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { PassThrough } from "node:stream";
import { methods } from "@agentclientprotocol/sdk";
import { afterAll, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { runAcp } from "../../src/doors/acp/acp.js";
import { connectClient, newSession } from "../support/acp.js";
import { startApp } from "../support/app.js";
import { configFor, ended, Workplace } from "../support/cli.js";
import { answer, chunk, stall, startLlmServer, stream } from "../support/llm-server.js";
import { doorParts, interrupts } from "./support.js";

const workplace = new Workplace();
afterAll(() => workplace[Symbol.dispose]());

const initialize = { jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion: 1 } };

test.each(["debug", "info", "warn", "error", "silent"])("stdout holds protocol only at log level %s", async (level) => {
  const child = workplace.start("--log-level", level, "acp");
  const { wire, agent, end } = connectClient({ input: child.stdin as never, output: child.stdout as never });
  const exit = once(child, "exit");
  await agent.request(methods.agent.initialize, { protocolVersion: 1, clientCapabilities: {} });
  const { sessionId } = await newSession(agent);
  const prompt = [{ type: "text" as const, text: "Add 2 and 40 with the add tool" }];
  expect(await agent.request(methods.agent.session.prompt, { sessionId, prompt })).toEqual({ stopReason: "end_turn" });
  end();
  expect((await exit)[0]).toBe(0);
  expect(wire.problems).toEqual([]);
});

test("acpx, a third-party client, gets an answer with a tool in it", async () => {
  const acpx = spawn(
    process.execPath,
    [
      "tests/slow-packages/node_modules/acpx/dist/cli.js",
      "--cwd",
      workplace.folder,
      "--agent",
      `${process.execPath} ${resolve("dist/main.js")} acp`,
      "--approve-all",
      "exec",
      "Add 2 and 40 with the add tool",
    ],
    { env: workplace.environment },
  );
  const { stdout, exitCode } = await ended(acpx, "");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("demo.add (completed)");
  expect(stdout).toContain("The answer is 42.");
});

test("a turn whose host was killed continues in the next host, and the client that loads its session sees it end", async () => {
  let requests = 0;
  await using llm = await startLlmServer(() =>
    ++requests === 1 ? stream([chunk({ content: "begun" }), stall]) : answer("went on"),
  );
  workplace.configure(configFor(llm.url));
  const start = () => {
    const child = workplace.start("acp");
    return { child, ...connectClient({ input: child.stdin as never, output: child.stdout as never }) };
  };
  const hello = { protocolVersion: 1, clientCapabilities: {} };
  const first = start();
  await first.agent.request(methods.agent.initialize, hello);
  const mcpServers: never[] = [];
  const { sessionId } = await first.agent.request(methods.agent.session.new, { cwd: workplace.folder, mcpServers });
  const prompt = [{ type: "text" as const, text: "hi" }];
  first.agent.request(methods.agent.session.prompt, { sessionId, prompt }).catch(() => {});
  await first.until(({ sessionUpdate }) => sessionUpdate === "agent_message_chunk");
  first.child.kill("SIGKILL");
  await once(first.child, "exit");

  const second = start();
  await second.agent.request(methods.agent.initialize, hello);
  await second.agent.request(methods.agent.session.load, { sessionId, cwd: workplace.folder, mcpServers });
  await second.until(() => second.said().includes("went on"));
  expect(second.of("user_message_chunk")).toMatchObject([{ content: { text: "hi" } }]);
  const exit = once(second.child, "exit");
  second.end();
  expect((await exit)[0]).toBe(0);
  expect(second.wire.problems).toEqual([]);
});

test("each editor gets a configuration that starts the host", async () => {
  const [zed, jetbrains, neovim] = await Promise.all(
    ["zed", "jetbrains", "neovim"].map((editor) => workplace.run(["acp", "--print-config", editor])),
  );
  for (const text of [zed?.stdout ?? "", jetbrains?.stdout ?? ""]) {
    const { agent_servers } = JSON.parse(text);
    expect(agent_servers["MCP-Platform"]).toMatchObject({
      command: process.execPath,
      args: [expect.any(String), "acp"],
    });
  }
  expect(neovim?.stdout).toContain("acp_providers");
  expect((await workplace.run(["acp", "--print-config", "ed"])).exitCode).toBe(2);
});

test("10,000 lines of anything are answered with one error each at most, and the next one is read as usual", async () => {
  await using llm = await startLlmServer([]);
  await using app = await startApp({ llm: llm.url });
  const stdin = new PassThrough();
  const stdout = new PassThrough({ highWaterMark: 64 * 1024 * 1024 });
  const { models, extendHub, orchestrator } = app;
  const contextWindow = (model?: string) => orchestrator.facts(model).contextWindow;
  const host = { ...doorParts(app), version: "1", approval: () => "ask" as const, models, extendHub, contextWindow };
  const exitCode = runAcp(host, { stdin, stdout, onInterrupt: interrupts().onInterrupt });
  const method = fc.oneof(fc.string(), fc.constantFrom(...Object.values(methods.agent.session)));
  const line = fc.oneof(
    fc.string(),
    fc.json(),
    fc.record({ jsonrpc: fc.constant("2.0"), id: fc.oneof(fc.nat(), fc.string()), method, params: fc.jsonValue() }),
    fc.record({ jsonrpc: fc.constant("2.0"), method, params: fc.jsonValue() }),
  );
  const lines = fc.sample(line, { seed: 20261125, numRuns: 10_000 }).map((made) => {
    const text = typeof made === "string" ? made : JSON.stringify(made);
    return text.replaceAll(/[\r\n]/g, " ");
  });
  const quiet = jest.spyOn(console, "error").mockImplementation(() => {}); // the SDK prints the messages that it drops
  stdin.write(`${JSON.stringify(initialize)}\n`);
  for (const each of lines) if (!stdin.write(`${each}\n`)) await once(stdin, "drain");
  stdin.end(`${JSON.stringify({ jsonrpc: "2.0", id: "last", method: "session/list", params: {} })}\n`);
  expect(await exitCode).toBe(0);
  quiet.mockRestore();
  const answers = String(stdout.read(stdout.readableLength))
    .trim()
    .split("\n")
    .map((text) => JSON.parse(text));
  expect(answers.at(-1)).toMatchObject({ id: "last", result: { sessions: [] } });
  const isRequest = (text: string) => {
    try {
      const { jsonrpc, method: name, id } = JSON.parse(text);
      return jsonrpc === "2.0" && typeof name === "string" && id !== undefined;
    } catch {
      return false;
    }
  };
  const requests = lines.filter(isRequest).length;
  expect(answers.filter(({ id }) => id !== null)).toHaveLength(requests + 2);
  expect(answers.length).toBeLessThanOrEqual(lines.length + 2);
});
