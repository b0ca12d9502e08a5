import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "@jest/globals";
import { FileWatch } from "../../src/config/watch.js";
import { temporaryFolder } from "../support/mcp-hub.js";

/** Watches one file and can wait for the next change that is reported. */
function watching(path: string, text?: string) {
  let told: () => void = () => {};
  const failures: string[] = [];
  const watch = new FileWatch(new Map([[path, text]]), {
    changed: () => told(),
    failed: (folder) => failures.push(folder),
  });
  return {
    watch,
    failures,
    /** Calls `act` and resolves when a change is reported. */
    change: (act: () => void) =>
      new Promise<void>((resolve) => {
        told = resolve;
        act();
      }),
    [Symbol.dispose]: () => watch.close(),
  };
}

test("a change is noticed if a file is written, replaced, removed or created again", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "config.yaml");
  writeFileSync(path, "a");
  using file = watching(path, "a");
  await file.change(() => writeFileSync(path, "b"));
  await file.change(() => {
    writeFileSync(`${path}~`, "c");
    renameSync(`${path}~`, path);
  });
  await file.change(() => unlinkSync(path));
  await file.change(() => writeFileSync(path, "d"));
});

test("a file behind a link is watched at its own place", async () => {
  using home = temporaryFolder();
  using elsewhere = temporaryFolder();
  const target = join(elsewhere.path, "real.yaml");
  writeFileSync(target, "a");
  const path = join(home.path, "config.yaml");
  symlinkSync(target, path);
  using file = watching(path);
  await file.change(() => writeFileSync(target, "b"));
});

test("a change while the watch moves to other files is noticed", async () => {
  using folder = temporaryFolder();
  const [path, other] = ["config.yaml", "servers.json"].map((name) => join(folder.path, name)) as [string, string];
  writeFileSync(path, "a");
  using file = watching(path);
  await file.change(() => {
    writeFileSync(path, "b");
    file.watch.watch(
      new Map([
        [path, "a"],
        [other, undefined],
      ]),
    );
  });
});

test("a change before the watch began is noticed", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "config.yaml");
  writeFileSync(path, "a");
  writeFileSync(path, "b");
  using file = watching(path, "a");
  await file.change(() => {});
});

test("frequent changes of another file do not delay the notice for ever", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "config.yaml");
  using file = watching(path);
  const noise = setInterval(() => writeFileSync(join(folder.path, "log"), String(Math.random())), 20);
  try {
    await file.change(() => writeFileSync(path, "b"));
  } finally {
    clearInterval(noise);
  }
});

test("the watch can move to other files", async () => {
  using folder = temporaryFolder();
  using other = temporaryFolder();
  using file = watching(join(folder.path, "config.yaml"));
  const path = join(other.path, "servers.json");
  file.watch.watch(new Map([[path, undefined]]));
  await file.change(() => writeFileSync(path, "{}"));
});

test("a file is noticed whose folders are created, removed and created again after the watch began", async () => {
  using home = temporaryFolder();
  const path = join(home.path, ".config", "mcp-platform", "config.yaml");
  using file = watching(path);
  await file.change(() => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "a");
  });
  await file.change(() => writeFileSync(path, "b"));
  await file.change(() => rmSync(join(home.path, ".config"), { recursive: true }));
  await file.change(() => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "c");
  });
  await file.change(() => writeFileSync(path, "d"));
  expect(file.failures).toEqual([]);
});

test("a folder that cannot be watched is reported", () => {
  using home = temporaryFolder();
  writeFileSync(join(home.path, "file"), "");
  using file = watching(join(home.path, "file", "folder", "config.yaml"));
  expect(file.failures).toEqual([join(home.path, "file", "folder")]);
});
