/** The check of a file for damage: only where a machine may have crashed, and once. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import type { ChatStore } from "../../src/core/chat-store.js";
import { thisMachine } from "../../src/core/files/this-machine.js";
import { isGone } from "../../src/log/shared/host-process.js";
import { openSqliteStore } from "../../src/log/sqlite/store.js";
import { append, inFolder, request, turn } from "./support.js";

const seenAt = 1_000_000;
const minute = 60_000;
/** No process has this id. */
const endedPid = 999_999_999;

interface Opening {
  at?: number;
  machine?: string;
  bootedAt?: number;
}

function open(path: string, { at = seenAt, ...boot }: Opening = {}): Promise<ChatStore> {
  return openSqliteStore(path, { now: () => at, observe: () => {}, ...boot });
}

/** Makes a log with a host that has ended without notice, and a turn that the host was running. */
async function afterCrash(folder: string, host: { machine: string; pid?: number }): Promise<string> {
  const path = join(folder, "events.db");
  const store = await open(path);
  await store.turns.beat({ nodeId: "n", pid: endedPid, ...host });
  await store.claim("c", turn("t").user("hello"), request("n"));
  await store.turns.acquire("c", "t", "n");
  for (let index = 0; index < 50; index++) await append(store, "d", turn("u").answer("x".repeat(1_000)));
  await store.close();
  return path;
}

/** Overwrites some events. Only a check of the whole file finds it. */
async function damage(path: string): Promise<void> {
  const bytes = await readFile(path);
  await writeFile(path, bytes.fill(0x5a, bytes.length - 16_384, bytes.length - 8_192));
}

const here = "host pid:[1] boot-2";
const later = seenAt + 60 * minute;
const running = process.pid;

test.each<[string, boolean, { machine: string; pid?: number }, Opening]>([
  ["a process of this boot", false, { machine: here }, { machine: here, at: later }],
  ["a container on this machine", false, { machine: "box pid:[2] boot-2" }, { machine: here, at: later }],
  ["an earlier boot, a moment ago", true, { machine: "host pid:[1] boot-1" }, { machine: here, at: seenAt + 1 }],
  ["an earlier boot, later", true, { machine: "host pid:[1] boot-1", pid: running }, { machine: here, at: later }],
  [
    "another machine, half a minute ago",
    true,
    { machine: "box pid:[1] boot-1" },
    { machine: here, at: seenAt + 30_000 },
  ],
  [
    "another machine, which may still run",
    false,
    { machine: "box pid:[1] boot-1" },
    { machine: here, at: seenAt + 29_999 },
  ],
  [
    "a system without ids of boots, started before",
    false,
    { machine: "mac darwin" },
    { machine: "mac darwin", at: later, bootedAt: seenAt - 1 },
  ],
  [
    "a system without ids of boots, started since",
    true,
    { machine: "mac darwin" },
    { machine: "mac darwin", at: later, bootedAt: seenAt },
  ],
  [
    "such a system, whose process may run",
    false,
    { machine: "mac darwin", pid: running },
    { machine: "mac darwin", at: seenAt + 29_999, bootedAt: seenAt },
  ],
  [
    "an earlier version, which did not store the boot",
    false,
    { machine: "host pid:[1]" },
    { machine: here, at: later, bootedAt: seenAt - 1 },
  ],
  [
    "an earlier version, in an earlier boot",
    true,
    { machine: "host pid:[1]" },
    { machine: here, at: later, bootedAt: seenAt + minute },
  ],
])("a host that ended without notice: %s", (_, isChecked, host, opening) =>
  inFolder(async (folder) => {
    const path = await afterCrash(folder, host);
    await damage(path);
    const opened = open(path, opening);
    if (isChecked)
      await expect(opened).rejects.toMatchObject({
        kind: "corrupt",
        message: expect.stringContaining("is damaged"),
        hint: expect.stringContaining("-wal -shm"),
      });
    else await (await opened).close();
  }),
);

test("the check is not repeated: the host of an earlier boot is removed, and its turn can be taken over", () =>
  inFolder(async (folder) => {
    const path = await afterCrash(folder, { machine: "host pid:[1] boot-1", pid: running });
    const store = await open(path, { machine: here, at: later });
    expect(await store.turns.nodes()).toEqual([]);
    expect(await store.turns.stateOf("c", "t")).toEqual({ isUnfinished: true, crashes: 1 });
    await store.close();
    await damage(path);
    await (await open(path, { machine: here, at: later })).close();
  }));

test("a host on another machine stays in the log, because it may run", () =>
  inFolder(async (folder) => {
    const path = await afterCrash(folder, { machine: "box pid:[1] boot-1" });
    const store = await open(path, { machine: here, at: later });
    expect(await store.turns.nodes()).toMatchObject([{ nodeId: "n" }]);
    expect(await store.turns.stateOf("c", "t")).toEqual({ isUnfinished: true, crashes: 0 });
    await store.close();
  }));

test.each([
  ["sqlite", "a file belongs to one machine, so a process of an earlier boot has ended", true],
  ["postgres", "another boot may be that of another machine with the same name", false],
] as const)("whether the process of a host on %s has certainly ended: %s", (log, _, isOneMachine) => {
  const [host, namespace, boot = "boot-2"] = thisMachine().split(" ");
  expect(process.platform !== "linux" || boot !== "boot-2").toBe(true);
  const here = `${host} ${namespace} ${boot}`;
  const of = (machine: string, pid = running, ours = here) => isGone({ nodeId: "n", machine, pid }, ours, log);
  expect(of(here)).toBe(false);
  expect(of(here, endedPid)).toBe(true);
  expect(of(`${host} ${namespace} boot-1`)).toBe(isOneMachine);
  expect(of(`${host} ${namespace} boot-1`, endedPid)).toBe(isOneMachine);
  expect(of(`${host} ${namespace}`)).toBe(false);
  expect(of("mac darwin", endedPid, "mac darwin")).toBe(isOneMachine);
  expect(of(`elsewhere ${namespace} boot-1`, endedPid)).toBe(false);
});
