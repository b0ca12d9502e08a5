import { expect, test } from "@jest/globals";
import { openStore } from "../../src/log/open.js";
import { newStorage, withStore } from "../support/storages.js";
import { inFolder } from "./support.js";

const parts = { now: Date.now, observe: () => {} };

test("a stored result is complete after the log was closed and opened", () =>
  inFolder(async (folder) => {
    const storage = await newStorage(folder);
    const text = "é€𝄞\u0000\n".repeat(200_000);
    const first = await openStore(storage, parts);
    await first.results.put("c", "res_1", text);
    await first.close();
    const second = await openStore(storage, parts);
    expect((await second.results.read("res_1")) === text).toBe(true);
    expect(await second.results.read("res_2")).toBeUndefined();
    await second.close();
  }));

test("an id is stored once: its result never changes", () =>
  withStore(async (store) => {
    await store.results.put("c", "res_1", "one");
    await expect(store.results.put("c", "res_1", "two")).rejects.toMatchObject({ kind: "write" });
    expect(await store.results.read("res_1")).toBe("one");
  }));
