import { expect, test } from "@jest/globals";
import { Changes } from "../../src/core/async/changes.js";

const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;

/** Returns a function that tells which of these promises have resolved. */
function settled(promises: Readonly<Record<string, Promise<void>>>): () => Promise<string[]> {
  const resolved: string[] = [];
  for (const [name, promise] of Object.entries(promises)) void promise.then(() => resolved.push(name));
  return async () => {
    await new Promise(setImmediate);
    return resolved;
  };
}

test("a change ends the watches of its conversation, and a change without an id ends all watches", async () => {
  const changes = new Changes();
  const [a, again, b] = [changes.watch("a"), changes.watch("a"), changes.watch("b")];
  const ended = settled({ a: a.happened, again: again.happened, b: b.happened });
  changes.happened("c");
  expect(await ended()).toEqual([]);
  changes.happened("a");
  expect(await ended()).toEqual(["a", "again"]);
  const later = changes.watch("a");
  const [afterwards, before] = [settled({ later: later.happened }), timers()];
  for (const watch of [a, again]) watch[Symbol.dispose]();
  changes.happened();
  expect(await afterwards()).toEqual(["later"]);
  expect(await ended()).toEqual(["a", "again", "b"]);
  expect(timers()).toBe(before - 1);
});

test("any number of watches keeps the process alive with one timer until the last one is disposed of", () => {
  const before = timers();
  const changes = new Changes();
  const watches = Array.from({ length: 100 }, (_, index) => changes.watch(`c${index % 50}`));
  expect(timers()).toBe(before + 1);
  for (const watch of watches) watch[Symbol.dispose]();
  expect(timers()).toBe(before);
});
