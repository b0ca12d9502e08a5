import { expect, test } from "@jest/globals";
import { openStore } from "../../src/history/open.js";
import { inFolder } from "./support.js";

const parts = { now: Date.now, observe: () => {} };

test("a stored result is there, to its last character, after the log was closed and opened", () =>
  inFolder(async (folder) => {
    const path = `${folder}/log.db`;
    const text = "é€𝄞\n".repeat(200_000);
    const first = await openStore({ driver: "sqlite", path }, parts);
    await first.results.put("c", "res_1", text);
    await first.close();
    const second = await openStore({ driver: "sqlite", path }, parts);
    expect((await second.results.read("res_1")) === text).toBe(true);
    expect(await second.results.read("res_2")).toBeUndefined();
    await second.close();
  }));

test("an id is stored once: what it names never changes", async () => {
  const store = await openStore({ driver: "memory" }, parts);
  await store.results.put("c", "res_1", "one");
  await expect(store.results.put("c", "res_1", "two")).rejects.toMatchObject({ kind: "write" });
  expect(await store.results.read("res_1")).toBe("one");
  await store.close();
});
