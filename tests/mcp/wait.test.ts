import { getMaxListeners } from "node:events";
import { expect, test } from "@jest/globals";
import { abortable } from "../../src/mcp/shared/wait.js";

test("a promise that fails after its wait was aborted ends no process", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  const failing = Promise.reject(new Error("not connected"));
  await expect(abortable(failing, AbortSignal.abort(new Error("closing")))).rejects.toThrow("closing");
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

test("all calls of a turn may wait with its signal, without a warning of Node on the terminal", async () => {
  const { signal } = new AbortController();
  await abortable(Promise.resolve(), signal);
  expect(getMaxListeners(signal)).toBe(Number.POSITIVE_INFINITY);
});
