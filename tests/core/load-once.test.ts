import { expect, test } from "@jest/globals";
import { loadOnce } from "../../src/core/files/load-once.js";

const failing = (code: string) => Object.assign(new Error("Cannot find module"), { code });

test("a part is loaded once, also if two ask for it at the same time", async () => {
  let loads = 0;
  const load = loadOnce(async () => ++loads);
  expect(await Promise.all([load(), load()])).toEqual([1, 1]);
  expect(await load()).toBe(1);
});

test("a part that could not be loaded is loaded again", async () => {
  const outcomes = [Promise.reject(new Error("a moment")), Promise.resolve("loaded")];
  const load = loadOnce(() => outcomes.shift() as Promise<string>);
  await expect(load()).rejects.toThrow("a moment");
  expect(await load()).toBe("loaded");
});

test("a part whose file is gone says that the program was replaced", async () => {
  const load = loadOnce(() => Promise.reject(failing("ERR_MODULE_NOT_FOUND")));
  await expect(load()).rejects.toMatchObject({ kind: "shutting_down", retryable: true, hint: "Restart this host." });
});
