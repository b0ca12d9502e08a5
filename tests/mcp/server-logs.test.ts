import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { serverLogFile } from "../../src/core/files/server-log-file.js";
import type { Observation } from "../../src/core/ports.js";
import { ServerLogs } from "../../src/mcp/server/server-logs.js";
import { fixture, startHubWith, temporaryFolder } from "../support/mcp-hub.js";

const now = () => Date.parse("2026-11-25T12:00:00Z");
const stamp = `2026-11-25T12:00:00.000Z ${process.pid}`;

function logsIn(folder: string, observed: Observation[] = []): ServerLogs {
  return new ServerLogs(folder, {
    observe: (event) => observed.push(event),
    now,
    clear: (text) => text.replaceAll("hidden-0123", "[redacted]"),
  });
}

test("a server's stderr, log messages and states are in its file, without secrets", async () => {
  using folder = temporaryFolder();
  const logs = logsIn(folder.path);
  const config = fixture(
    "fs",
    { greeting: "hello with key-0123456789\nand hidden-0123" },
    { env: { A_KEY: "key-0123456789" } },
  );
  {
    await using running = startHubWith({ logs }, config);
    await running.hub.ready();
    await running.call("fs__log", { level: "warning", data: "disk is full" });
  }
  await logs.close();
  const lines = readFileSync(serverLogFile(folder.path, "fs"), "utf8").trimEnd().split("\n");
  expect(lines).toContain(`${stamp} stderr hello with [redacted]`);
  expect(lines).toContain(`${stamp} stderr and [redacted]`);
  expect(lines).toContain(`${stamp} host the MCP server "fs" is ready`);
  expect(lines.filter((line) => /^\S+ \d+ (debug|info|notice|warning|error) /.test(line)).length).toBeGreaterThan(0);
  expect(statSync(serverLogFile(folder.path, "fs")).mode & 0o777).toBe(0o600);
});

test("a file that is too long becomes the older one of two", async () => {
  using folder = temporaryFolder();
  const file = serverLogFile(folder.path, "fs");
  writeFileSync(file, `${"x".repeat(1_000_001)}\n`);
  const logs = logsIn(folder.path);
  logs.of(fixture("fs")).line("stderr", "new");
  await logs.close();
  expect(readFileSync(file, "utf8")).toBe(`${stamp} stderr new\n`);
  expect(readFileSync(`${file}.1`, "utf8")).toHaveLength(1_000_002);
});

test("a server that writes too fast loses the rest, and its file says so", async () => {
  using folder = temporaryFolder();
  const logs = logsIn(folder.path);
  const log = logs.of(fixture("fs"));
  for (let index = 0; index < 1000; index++) log.stderr(`${"y".repeat(1000)}\n`);
  await logs.close();
  const text = readFileSync(serverLogFile(folder.path, "fs"), "utf8");
  expect(text.length).toBeLessThan(400_000);
  expect(text).toMatch(/\d+ further lines came too fast and are left out\n$/);
});

test("a line without an end is cut, and is there at the end", async () => {
  using folder = temporaryFolder();
  const logs = logsIn(folder.path);
  const log = logs.of(fixture("fs"));
  log.stderr("z".repeat(20_000));
  log.stderr("end");
  await logs.close();
  const lines = readFileSync(serverLogFile(folder.path, "fs"), "utf8").trimEnd().split("\n");
  expect(lines).toHaveLength(2);
  expect(lines.every((line) => line.length < 8_100)).toBe(true);
});

test("a folder that cannot be written is reported once, and the server continues", async () => {
  using folder = temporaryFolder();
  const observed: Observation[] = [];
  const blocked = join(folder.path, "blocked");
  writeFileSync(blocked, "a file");
  const logs = logsIn(blocked, observed);
  const log = logs.of(fixture("fs"));
  log.line("stderr", "one");
  await logs.close();
  log.line("stderr", "two");
  await logs.close();
  expect(observed.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^the output of servers cannot be stored: /),
  ]);
});

test("the name of a server becomes a valid file name, whatever it is", () => {
  const names = ["../../etc/passwd", "a/b", ".", "ä".repeat(200), "plain"];
  const files = names.map((name) => serverLogFile("/logs", name));
  for (const file of files) expect(file).toMatch(/^\/logs\/[^/]{1,130}\.log$/);
  expect(new Set(files).size).toBe(names.length);
});
