import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { configFor, Workplace } from "../support/cli.js";
import { fixture, recording, until } from "../support/mcp-hub.js";

/** Returns the command lines of the group's processes that `ps` shows, without zombies. */
function processesOf(group: number): string[] {
  const lines = execFileSync("ps", ["-eo", "pgid=,stat=,args="], { encoding: "utf8" }).trim().split("\n");
  return lines.flatMap((line) => {
    const [, pgid, stat = "", args = ""] = /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return Number(pgid) === group && !stat.startsWith("Z") ? [args] : [];
  });
}

const groupOf = (pid: number) =>
  Number(execFileSync("ps", ["-o", "pgid=", "-p", String(pid)], { encoding: "utf8" }).trim());

/**
 * Starts the command line with a server behind a shell that has more children. Server and grandchild ignore SIGTERM and the end of their
 * input. SIGUSR2 makes the host throw an uncaught error.
 */
async function hostWith(place: Workplace, record: ReturnType<typeof recording>) {
  const { command, args } = fixture("s", { record: record.path, grandchild: true, deaf: true });
  const script = [command, ...args].map((word) => `'${word}'`).join(" ");
  const server = { command: "sh", args: ["-c", `sleep 1000 & ${script}; exit 0`] };
  place.configure(configFor("http://127.0.0.1:1/v1", { s: server }));
  const crash = `process.on("SIGUSR2", () => { throw new Error("nobody catches this"); });`;
  const host = spawn(process.execPath, [resolve("dist/main.js"), "stdio"], {
    cwd: place.folder,
    env: { ...place.environment, NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(crash)}` },
    stdio: ["pipe", "ignore", "ignore"],
  });
  await until(() => record.lines().some((line) => line.startsWith("tools/list")));
  const pid = record.lines().flatMap((line) => /^started (\d+)$/.exec(line)?.[1] ?? [])[0];
  return { host, group: groupOf(Number(pid)) };
}

test.each([
  ["comes to the end of its input", "end"],
  ["is told to end", "SIGTERM"],
  ["loses its terminal", "SIGHUP"],
  ["is interrupted", "SIGINT"],
  ["is killed", "SIGKILL"],
  ["crashes", "SIGUSR2"],
] as const)("3 s after a host that %s, ps shows none of its servers and what they started", async (_, how) => {
  using record = recording();
  using place = new Workplace();
  const { host, group } = await hostWith(place, record);
  expect(processesOf(group)).toHaveLength(4); // shell, sleep, server and its child
  // three seconds as this machine counts them, busy or not
  const seconds = spawn(process.execPath, ["--eval", "setTimeout(() => {}, 3000)"]);
  if (how === "end") host.stdin.end();
  else host.kill(how);
  await once(host, "exit");
  await until(() => processesOf(group).length === 0);
  expect(seconds.exitCode).toBeNull();
  seconds.kill();
});
