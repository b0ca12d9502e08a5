import { copyFileSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { ChatStore } from "../../src/core/chat-store.js";
import { openStore } from "../../src/log/open.js";
import { request, turn } from "./support.js";

const [one, two] = [turn("turn_1"), turn("turn_2")];
const message = "was deleted or replaced while this host ran";

let folder: string;
let path: string;
let store: ChatStore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "log-"));
  path = join(folder, "log.db");
  store = await openStore({ driver: "sqlite", path }, { now: Date.now, observe: () => {} });
  await store.claim("c", one.user("hello"), request("a"));
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

test.each([
  ["deleted", () => rmSync(path)],
  [
    "replaced",
    () => {
      copyFileSync(path, `${path}.copy`);
      renameSync(`${path}.copy`, path);
    },
  ],
])("a log whose file was %s refuses turns, because they would be lost", async (_, change) => {
  change();
  await expect(store.claim("c", two.user("more"), request("a"))).rejects.toMatchObject({
    kind: "open",
    message: expect.stringContaining(message),
  });
  await expect(store.turns.beat({ nodeId: "a", machine: "m", pid: 1 })).rejects.toMatchObject({ kind: "open" });
});
