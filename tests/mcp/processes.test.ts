import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { fixture, isRunning, recording, startHub, until } from "../support/mcp-hub.js";

const pids = (lines: string[]) =>
  lines.flatMap((line) => /^(?:started|grandchild) (\d+)$/.exec(line)?.[1] ?? []).map(Number);

test("closing leaves neither the server nor what it started, even when they ignore SIGTERM", async () => {
  using record = recording();
  const running = startHub(fixture("s", { record: record.path, grandchild: true, deaf: true }));
  await running.hub.ready();
  expect(pids(record.lines()).map(isRunning)).toEqual([true, true]);
  const startedAt = performance.now();
  await running.hub.close();
  expect(performance.now() - startedAt).toBeLessThan(4000);
  await until(() => !pids(record.lines()).some(isRunning));
});

test("a server behind a shell is closed within milliseconds when it reads its input", async () => {
  using record = recording();
  const server = fixture("s", { record: record.path });
  const script = [server.command, ...server.args].map((word) => `'${word}'`).join(" ");
  const running = startHub({ ...server, command: "sh", args: ["-c", `${script}; exit 0`] });
  await running.hub.ready();
  const startedAt = performance.now();
  await running.hub.close();
  expect(performance.now() - startedAt).toBeLessThan(1000);
  expect(pids(record.lines()).map(isRunning)).toEqual([false]);
});

test("the death of a server is noticed although its child holds the pipe, and the child goes too", async () => {
  using record = recording();
  await using running = startHub(fixture("s", { record: record.path, grandchild: true }));
  await running.hub.ready();
  const first = pids(record.lines());
  const startedAt = performance.now();
  expect((await running.call("s__crash")).isError).toBe(true);
  expect(performance.now() - startedAt).toBeLessThan(3000);
  await until(() => !first.some(isRunning));
  await running.hub.settled();
});

test("closing while servers start leaves nothing", async () => {
  using record = recording();
  const running = startHub(fixture("s", { record: record.path, silent: true }));
  await until(() => record.lines().length > 0);
  await running.hub.close();
  expect(pids(record.lines()).some(isRunning)).toBe(false);
});

test("a host that exits without closing takes its servers with it", async () => {
  using record = recording();
  const server = fixture("s", { record: record.path, grandchild: true, deaf: true });
  const program = `
    const { McpHub } = await import(${JSON.stringify(pathToFileURL(resolve("dist/mcp/hub.js")))});
    const hub = new McpHub([${JSON.stringify(server)}], { observe: () => {} });
    hub.start();
    await hub.ready();
    process.exit(hub.servers()[0].state === "ready" ? 0 : 1);`;
  await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
  expect(pids(record.lines())).toHaveLength(2);
  await until(() => !pids(record.lines()).some(isRunning));
});
