import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as later } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { withFileLock } from "../../src/core/files/file-lock.js";
import { thisMachine } from "../../src/core/files/this-machine.js";
import { temporaryFolder } from "../support/mcp-hub.js";

const deadPid = spawnSync(process.execPath, ["-e", ""]).pid;
const lockOf = (pid: number, machine = thisMachine()) => JSON.stringify({ id: "another", pid, machine });

/** Runs many tasks at once under the lock. Resolves to the largest number of tasks that ran at the same time. */
async function crowd(path: string, count: number): Promise<number> {
  let [inside, most] = [0, 0];
  const work = async () => {
    inside += 1;
    most = Math.max(most, inside);
    for (let turn = 0; turn < 5; turn++) await later();
    inside -= 1;
  };
  await Promise.all(Array.from({ length: count }, () => withFileLock(path, work)));
  return most;
}

test.each([
  ["free", undefined],
  ["left by a process that died", lockOf(deadPid)],
  ["left by an earlier process with our number", lockOf(process.pid)],
])("a lock on %s has one holder at a time, is taken at once, and leaves no file behind", async (_, content) => {
  using folder = temporaryFolder();
  const path = join(folder.path, "lock");
  if (content) writeFileSync(path, content);
  expect(await crowd(path, 20)).toBe(1);
  expect(readdirSync(folder.path)).toEqual([]);
});

test("a lock of a running process is waited for; a lock of another machine or container expires by age", async () => {
  using folder = temporaryFolder();
  const container = thisMachine().replace(/ \S+/, " pid:[1]"); // another one with the same name
  const elsewhere = [lockOf(deadPid, "elsewhere"), lockOf(deadPid, container), lockOf(process.pid, container)];
  for (const content of [lockOf(process.ppid), ...elsewhere]) {
    const path = join(folder.path, "lock");
    writeFileSync(path, content);
    let isDone = false;
    const done = withFileLock(path, async () => {
      isDone = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(isDone).toBe(false);
    const longAgo = Date.now() / 1000 - 100;
    if (elsewhere.includes(content)) utimesSync(path, longAgo, longAgo);
    else writeFileSync(path, lockOf(deadPid));
    await done;
    expect(existsSync(path)).toBe(false);
  }
});

test("a lock names the scope in which its process id is unique", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "lock");
  const content = await withFileLock(path, async () => readFileSync(path, "utf8"));
  expect(JSON.parse(content)).toMatchObject({ pid: process.pid, machine: thisMachine() });
});

test("work that fails releases the lock", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "lock");
  const failing = withFileLock(path, async () => {
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(await crowd(path, 2)).toBe(1);
});
