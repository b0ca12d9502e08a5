import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "@jest/globals";
import { fixture, isRunning, recording, startHub, until } from "../support/mcp-hub.js";

const pids = (lines: string[]) =>
  lines.flatMap((line) => /^(?:started|grandchild) (\d+)$/.exec(line)?.[1] ?? []).map(Number);

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

test("closing while servers start leaves nothing", async () => {
  using record = recording();
  const running = startHub(fixture("s", { record: record.path, silent: true }));
  await until(() => record.lines().length > 0);
  await running.hub.close();
  expect(pids(record.lines()).some(isRunning)).toBe(false);
});

/** A host in a process of its own, with a deaf server behind a shell that has a deaf child. Resolves when the server is ready. */
async function hostWith(record: string) {
  const { command, args, ...server } = fixture("s", { record, grandchild: true, deaf: true });
  const script = [command, ...args].map((word) => `'${word}'`).join(" ");
  const program = `
    const { McpHub } = await import(${JSON.stringify(pathToFileURL(resolve("dist/mcp/hub.js")))});
    const config = ${JSON.stringify({ ...server, command: "sh", args: ["-c", `${script}; exit 0`] })};
    const hub = new McpHub([config], { observe: () => {} });
    process.once("SIGTERM", () => hub.close().then(() => process.exit(0)));
    process.once("SIGUSR2", () => process.exit(0));
    hub.start();
    await hub.ready();
    process.stdout.write(hub.servers()[0].state);
    setInterval(() => {}, 1000);`;
  const host = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  expect(String((await once(host.stdout, "data"))[0])).toBe("ready");
  return host;
}

test.each([
  ["exits without closing", "SIGUSR2"],
  ["is told to end", "SIGTERM"],
  ["is killed", "SIGKILL"],
] as const)("a host that %s leaves no server and nothing that one started, not for 3 s", async (_, signal) => {
  using record = recording();
  const host = await hostWith(record.path);
  const left = pids(record.lines());
  expect(left.map(isRunning)).toEqual([true, true]);
  const endedAt = performance.now();
  host.kill(signal);
  await once(host, "exit");
  await until(() => !left.some(isRunning));
  expect(performance.now() - endedAt).toBeLessThan(3000);
});
