/**
 * Edges 1 to 7 of the SDK 1.32.2, its stdio, each with a real server process that misbehaves. For the other edges see edges-http (8 to 16),
 * edges-auth (17 to 19) and edges-protocol (20 to 29). Edge 6 (npx.cmd is found through cross-spawn, SIGTERM kills at once) is about
 * Windows, where these tests do not run: transports/process-group.ts and environment.ts have the differences.
 */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import { fixture, isRunning, nodeServer, recording, startHub, until } from "../support/mcp-hub.js";

const tool = (name: string) => ({ name, inputSchema: { type: "object" } });

async function ready(...configs: ReturnType<typeof fixture>[]) {
  const running = startHub(...configs);
  await running.hub.ready();
  return running;
}

const pids = (lines: string[]) =>
  lines.flatMap((line) => /^(?:started|grandchild) (\d+)$/.exec(line)?.[1] ?? []).map(Number);

test("edge 1: closing leaves neither the server nor what it started, even when they ignore SIGTERM", async () => {
  using record = recording();
  const running = startHub(fixture("s", { record: record.path, grandchild: true, deaf: true }));
  await running.hub.ready();
  expect(pids(record.lines()).map(isRunning)).toEqual([true, true]);
  const startedAt = performance.now();
  await running.hub.close();
  expect(performance.now() - startedAt).toBeLessThan(4000);
  await until(() => !pids(record.lines()).some(isRunning));
});

test("edge 2: the death of a server is noticed although its child holds the pipe, and the child goes too", async () => {
  using record = recording();
  await using running = startHub(fixture("s", { record: record.path, grandchild: true }));
  await running.hub.ready();
  const first = pids(record.lines());
  const startedAt = performance.now();
  expect((await running.call("s__crash")).isError).toBe(true);
  expect(performance.now() - startedAt).toBeLessThan(9000); // and not only at the call's timeout
  await until(() => !first.some(isRunning));
  await running.hub.settled();
});

test("edge 3: a server that floods stderr is not blocked, and its last lines are kept for the message", async () => {
  await using running = await ready(fixture("s"));
  expect(textOf((await running.call("s__stderr", { bytes: 400_000 })).content)).toBe("written");
  const words = textOf((await running.call("s__crash")).content);
  expect(words).toContain("it said: eee");
  expect(words.length).toBeLessThan(5000);
});

test("edge 4: a result line of 30 MB holds up the event loop for less than 300 ms in all", async () => {
  const program = `
    const { McpHub } = await import(${JSON.stringify(pathToFileURL(resolve("dist/mcp/hub.js")))});
    const hub = new McpHub([${JSON.stringify(fixture("s"))}], { observe: () => {} });
    hub.start();
    await hub.ready();
    const bytes = 30 * 1024 * 1024;
    const args = JSON.stringify({ bytes });
    const call = async () => (await hub.prepare({ id: "c", name: "s__big", arguments: args })).send({ signal: new AbortController().signal });
    const processorMs = () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    };
    // A loop that is late without having had a processor is held up by what runs beside it.
    const blockedMs = async (work) => {
      let [last, lastOwn, blocked] = [performance.now(), processorMs(), 0];
      const timer = setInterval(() => {
        const late = Math.min(performance.now() - last - 5, processorMs() - lastOwn);
        if (late > 5) blocked += late;
        [last, lastOwn] = [performance.now(), processorMs()];
      }, 5);
      await work();
      await new Promise((done) => setTimeout(done, 20));
      clearInterval(timer);
      return blocked;
    };
    const busy = () => {
      for (const before = processorMs(); processorMs() - before < 100; );
    };
    const known = await blockedMs(busy);
    let least = Infinity;
    for (let times = 0; times < 3; times++) {
      let length = 0;
      const blocked = await blockedMs(async () => {
        length = (await call()).content[0].text.length;
      });
      if (length === bytes) least = Math.min(least, blocked);
    }
    await hub.close();
    process.stdout.write(JSON.stringify({ known, least }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
  const { known, least } = JSON.parse(stdout);
  expect(known).toBeGreaterThan(80); // proof that the measure sees a known block of 100 ms
  expect(least).toBeLessThan(300);
});

test("edge 4: a message beyond 64 MB fails its call, and the connection stays", async () => {
  await using running = await ready(fixture("s"));
  const result = await running.call("s__big", { bytes: 65 * 1024 * 1024 });
  expect(textOf(result.content)).toBe(
    "big did not answer and its outcome is unknown: the server sent a message of more than 64 MB, which was dropped",
  );
  expect((await running.call("s__echo")).isError).toBe(false);
});

test.each(["tools/call", "initialize"])(
  "edge 4: a line without an end, in the answer to %s, ends the connection and says why",
  async (endless) => {
    const answers = {
      initialize: {
        protocolVersion: "2025-11-25",
        capabilities: { tools: {} },
        serverInfo: { name: "e", version: "1" },
      },
      "tools/list": { tools: [tool("t")] },
    };
    const program = `
      const answers = ${JSON.stringify(answers)};
      const pour = () => { while (process.stdout.write("x".repeat(100_000))); process.stdout.once("drain", pour); };
      require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
        const { id, method } = JSON.parse(line);
        if (method === ${JSON.stringify(endless)}) return pour();
        if (id !== undefined) console.log(JSON.stringify({ jsonrpc: "2.0", id, result: answers[method] ?? {} }));
      });`;
    const options = { protocol: "legacy", maxMessageMb: 1 } as const;
    await using running = startHub(nodeServer("s", ["--eval", program], options));
    await running.hub.ready().catch(() => {});
    const said =
      endless === "initialize" ? running.hub.servers()[0]?.reason : textOf((await running.call("s__t")).content);
    expect(said).toContain("the server wrote more than 4 MB without the end of a line");
  },
);

test("edge 5: a server gets a minimal environment and the configured variables", async () => {
  process.env.MCP_TEST_HOST_SECRET = "not for servers";
  try {
    await using running = await ready(fixture("s", {}, { env: { GIVEN: "yes" } }));
    const env = JSON.parse(textOf((await running.call("s__env")).content));
    expect(env).toMatchObject({ GIVEN: "yes", PATH: process.env.PATH });
    expect(env.MCP_TEST_HOST_SECRET).toBeUndefined();
  } finally {
    delete process.env.MCP_TEST_HOST_SECRET;
  }
});

test("edge 7: a call that the server does not even read ends with the server, not with the pipe", async () => {
  using record = recording();
  await using running = await ready(fixture("s", { record: record.path, pages: [[tool("deafen"), tool("echo")]] }));
  await running.call("s__deafen");
  const call = running.call("s__echo", { much: "x".repeat(256 * 1024) }); // larger than a pipe, and quick to check
  await new Promise(setImmediate); // then the call has been sent
  process.kill(pids(record.lines())[0] ?? 0, "SIGKILL");
  expect(textOf((await call).content)).toMatch(/^echo did not answer and its outcome is unknown: .*killed by SIGKILL/);
});

test("edge 7: a server that dies slowly, its pipe broken already, fails with its own reason and not with the pipe's", async () => {
  const program = `
    const results = {
      initialize: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } },
      "tools/list": { tools: [{ name: "t", inputSchema: { type: "object" } }] },
    };
    process.stdin.on("data", (chunk) => {
      if (String(chunk).includes("tools/call")) {
        process.stdin.destroy();
        require("node:fs").closeSync(0);
        setTimeout(() => process.exit(7), 250);
        return;
      }
      for (const { id, method } of String(chunk).trim().split("\\n").map((line) => JSON.parse(line)))
        if (id !== undefined) process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result: results[method] }) + "\\n");
    });`;
  await using running = await ready(nodeServer("s", ["--eval", program], { protocol: "legacy" }));
  const result = await running.call("s__t", { much: "x".repeat(5 * 1024 * 1024) });
  expect(textOf(result.content)).toMatch(/ exited with code 7/);
});

test("edge 7: a call that a living server does not read ends with its timeout", async () => {
  await using running = await ready(fixture("s", { pages: [[tool("deafen"), tool("echo")]] }, { timeoutMs: 300 }));
  await running.call("s__deafen");
  const result = await running.call("s__echo", { much: "x".repeat(5 * 1024 * 1024) });
  expect(textOf(result.content)).toBe(
    "echo did not answer and its outcome is unknown: no answer and no progress within 300 ms",
  );
});

test("edge 7: an error that names no request is ignored: the call ends with its timeout", async () => {
  await using running = await ready(fixture("s", { pages: [[tool("nobody")]] }, { timeoutMs: 300 }));
  expect(textOf((await running.call("s__nobody")).content)).toBe(
    "nobody did not answer and its outcome is unknown: no answer and no progress within 300 ms",
  );
  expect(running.log.map(({ message }) => message).join()).toContain("what was that?");
});

test("edge 7: an error whose code is not a number is that call's error", async () => {
  await using running = await ready(fixture("s"));
  expect(textOf((await running.call("s__oddly")).content)).toBe("oddly failed: E_SQL: no such table");
});

test("calls that begin together reach the server in one write", async () => {
  const program = `
    const results = {
      initialize: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } },
      "tools/list": { tools: [{ name: "t", inputSchema: { type: "object" } }] },
    };
    process.stdin.on("data", (chunk) => {
      const messages = String(chunk).trim().split("\\n").map((line) => JSON.parse(line));
      for (const { id, method } of messages.filter(({ id }) => id !== undefined)) {
        const result = results[method] ?? { content: [{ type: "text", text: String(messages.length) }] };
        console.log(JSON.stringify({ jsonrpc: "2.0", id, result }));
      }
    });`;
  await using running = startHub(nodeServer("s", ["--eval", program], { protocol: "legacy" }));
  await running.hub.ready();
  const together = await Promise.all(Array.from({ length: 5 }, () => running.call("s__t")));
  expect(together.map(({ content }) => textOf(content))).toEqual(["5", "5", "5", "5", "5"]);
});
