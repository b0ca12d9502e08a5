import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { connect } from "../../src/log/sqlite/connection.js";
import { configFor, ended, Workplace } from "../support/cli.js";
import { answer, startLlmServer } from "../support/llm-server.js";

/** Makes a workplace whose event log is `log/events.db`. */
async function withPlace(work: (place: Workplace, path: string, asked: () => number) => Promise<void>): Promise<void> {
  await using llm = await startLlmServer(() => answer("acknowledged"));
  using place = new Workplace();
  const path = join(place.folder, "log", "events.db");
  mkdirSync(join(place.folder, "log"));
  place.configure(configFor(llm.url, {}, { chat: { storage: { path } } }));
  await work(place, path, () => llm.requests.length);
  chmodSync(join(place.folder, "log"), 0o700);
}

const prompt = ["run", "--conversation", "c1", "hello"];
const lines = '{"action":"chat","request_id":"r1","payload":{"text":"hello"}}\n';

/** Expects empty stdout, no request to the model, exit code 1, and on stderr the cause and the fix. */
async function expectRefusal(place: Workplace, asked: () => number, message: RegExp, hint: RegExp): Promise<void> {
  const before = asked();
  const run = async (args: string[]) => ({ args, ...(await place.run(args, args[0] === "stdio" ? lines : "")) });
  // Concurrent, because each command waits for the process that has locked the log.
  const all = await Promise.all([prompt, ["stdio"], ["sessions"]].map(run));
  for (const { args, exitCode, stdout, stderr } of all) {
    expect([args, exitCode, stdout]).toEqual([args, 1, ""]);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(hint);
    expect(stderr).not.toMatch(/^ +at /m);
  }
  expect(asked()).toBe(before);
}

describe("an event log that cannot be used is refused before anything is acknowledged:", () => {
  test("a corrupt file", () =>
    withPlace(async (place, path, asked) => {
      writeFileSync(path, "my diary\n".repeat(500));
      await expectRefusal(
        place,
        asked,
        /cannot open the event log .*events.db/,
        /hint: move it aside with its -wal and -shm files /,
      );
      expect(readFileSync(path, "utf8")).toBe("my diary\n".repeat(500));
    }));

  test("a newer schema", () =>
    withPlace(async (place, path, asked) => {
      await place.run(prompt);
      const db = await connect(path);
      db.exec("PRAGMA user_version = 999");
      db.close();
      await expectRefusal(place, asked, /written by a newer version .*schema 999/, /hint: update this program/);
    }));

  test("a database of another program", () =>
    withPlace(async (place, path, asked) => {
      const db = await connect(path);
      db.exec("CREATE TABLE recipes (name TEXT)");
      db.close();
      await expectRefusal(place, asked, /is a database of another program/, /hint: set chat.storage.path/);
    }));

  test(
    "a file that another process keeps locked",
    () =>
      withPlace(async (place, path, asked) => {
        await place.run(prompt);
        const db = await connect(path);
        db.exec("BEGIN IMMEDIATE");
        await expectRefusal(
          place,
          asked,
          /cannot open the event log .*locked/,
          /hint: another process keeps it locked/,
        );
        db.exec("ROLLBACK");
        db.close();
        expect((await place.run(prompt)).exitCode).toBe(0);
      }),
    60_000,
  );

  test("a read-only file in a read-only folder", () =>
    withPlace(async (place, path, asked) => {
      await place.run(prompt);
      const before = asked();
      chmodSync(path, 0o444);
      chmodSync(join(place.folder, "log"), 0o555);
      // Root may write anywhere, so the host runs without this capability if the test runs as root. As another user it could not read the
      // program in a folder that is root's alone.
      const isRoot = process.geteuid?.() === 0;
      const [program = "", ...args] = [
        ...(isRoot ? ["setpriv", "--bounding-set", "-dac_override"] : []),
        process.execPath,
        resolve("dist/main.js"),
        ...prompt,
      ];
      const child = spawn(program, args, { cwd: place.folder, env: place.environment });
      const { exitCode, stdout, stderr } = await ended(child, "");
      expect([exitCode, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(/cannot (open|write) the event log .*events.db/);
      expect(stderr).toMatch(/hint: make sure that its folder and the file can be written/);
      expect(asked()).toBe(before);
    }));
});

/** Arguments for a small file system in a mount namespace of its own. It ends with the process. */
const small = ["--user", "--map-root-user", "--mount", "sh", "-c"];
const mounted = (size: string) => `mount -t tmpfs -o size=${size} tmpfs log && `;
const hasNamespaces = spawnSync("unshare", [...small, "mount -t tmpfs tmpfs /tmp"]).status === 0;

(hasNamespaces ? describe : describe.skip)("a full disk", () => {
  const onSmallDisk = (place: Workplace, size: string, command: string) =>
    ended(
      spawn("unshare", [...small, `${mounted(size)}${command}`], {
        cwd: place.folder,
        env: { ...place.environment, NODE: process.execPath, HOST: resolve("dist/main.js") },
      }),
      "",
    );

  test("a log that cannot be used is refused at the start, before a model is asked", () =>
    withPlace(async (place, _path, asked) => {
      const fill = "dd if=/dev/zero of=log/ballast bs=4096 count=64 2>/dev/null; ";
      const { exitCode, stdout, stderr } = await onSmallDisk(place, "64k", `${fill}"$NODE" "$HOST" run hello`);
      expect([exitCode, stdout, asked()]).toEqual([1, "", 0]);
      expect(stderr).toMatch(/the event log .*(full|ENOSPC)/);
      expect(stderr).toMatch(/hint: free some space/);
    }));

  test(
    "a disk that fills up loses nothing acknowledged, and turns continue once there is space",
    () =>
      withPlace(async (place) => {
        const script = place.write(
          "talk.sh",
          `ask() { "$NODE" "$HOST" run --conversation c1 --request-id r$1 "$(head -c 20000 /dev/zero | tr '\\0' x) $1"; }
for i in $(seq 60); do
  ask $i 2>>log.err; code=$?
  [ $code = 0 ] || break
  echo "request $i was answered"
done
echo "refused with $code"; cat log.err >&2
truncate -s 0 log/ballast
ask $i
"$NODE" "$HOST" sessions show c1 --json
`,
        );
        const ballast = "dd if=/dev/zero of=log/ballast bs=4096 count=64 2>/dev/null; ";
        const { exitCode, stdout, stderr } = await onSmallDisk(place, "700k", `${ballast}sh ${script}`);
        expect(exitCode).toBe(0);
        expect(stderr).toMatch(/error: cannot (open|write) the event log .*(full|ENOSPC)/);
        expect(stderr).toMatch(/hint: free some space/);
        const acknowledged = stdout.match(/was answered$/gm)?.length ?? 0;
        expect(acknowledged).toBeGreaterThan(0);
        expect(stdout).toContain("refused with 1\n");
        const { events } = JSON.parse(stdout.slice(stdout.indexOf('{\n  "format"')));
        const ends = events.filter(({ type }: { type: string }) => type === "turn_end");
        expect(ends).toHaveLength(acknowledged + 1);
      }),
    120_000,
  );
});

/** Runs a turn as if packages whose name begins with `names` were not installed. */
async function runWithout(names: string, storage: object, llm = "http://127.0.0.1:1/v1") {
  using place = new Workplace();
  place.configure(configFor(llm, {}, { chat: { storage } }));
  const without = resolve("tests/support/without-packages.mjs");
  const child = spawn(process.execPath, ["--import", without, resolve("dist/main.js"), ...prompt], {
    cwd: place.folder,
    env: { ...place.environment, WITHOUT_PACKAGES: names },
  });
  return await ended(child, "");
}

describe("an optional package that is missing is named where it is needed:", () => {
  test("DBOS, for a log on PostgreSQL", async () => {
    const url = "postgres://user:secret@127.0.0.1:1/chats";
    const { exitCode, stdout, stderr } = await runWithout("@dbos-inc/", { url });
    expect([exitCode, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^error: an event log on PostgreSQL needs the package @dbos-inc\/dbos-sdk, which is not/m);
    expect(stderr).toMatch(/^hint: npm install @dbos-inc\/dbos-sdk@\d+\.\d+\.\d+$/m);
    expect(stderr).not.toContain("secret");
  });

  const hasBuiltin = process.getBuiltinModule("node:sqlite") !== undefined;
  (hasBuiltin ? test.skip : test).each([[{}], [{ driver: "memory" }]])(
    "SQLite, for a Node that has none: %j",
    async (storage) => {
      const { exitCode, stdout, stderr } = await runWithout("./sqlite.js", storage);
      expect([exitCode, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(
        /^error: the event log needs SQLite: this Node has none, and the package for \w+-\w+ cannot be loaded$/m,
      );
      expect(stderr).toMatch(/^hint: use Node 22\.15 or later, or set chat\.storage\.url to a PostgreSQL database$/m);
    },
  );
});
