import { expect, test } from "@jest/globals";
import { StartSlots } from "../../src/mcp/server/start-slots.js";

const { signal } = new AbortController();

/** Has these servers wait for one slot, and returns the names of those that have begun, in order. */
function starting(slots: StartSlots, owners: Record<string, AbortSignal>) {
  const begun: string[] = [];
  const keys = new Map<string, object>();
  for (const [name, ending] of Object.entries(owners)) {
    const owner = { name };
    keys.set(name, owner);
    slots.take(owner, ending).then(
      () => begun.push(name),
      () => begun.push(`${name} is closed`),
    );
  }
  return { begun, of: (name: string) => keys.get(name) as object };
}
const settle = () => new Promise(setImmediate);

test("servers start in order, as many at a time as there are slots", async () => {
  const slots = new StartSlots(2);
  const { begun } = starting(slots, { a: signal, b: signal, c: signal, d: signal });
  await settle();
  expect(begun).toEqual(["a", "b"]);
  slots.leave();
  await settle();
  expect(begun).toEqual(["a", "b", "c"]);
});

test("a server that is called does not wait, and the others then wait for its slot too", async () => {
  const slots = new StartSlots(1);
  const { begun, of } = starting(slots, { a: signal, b: signal, c: signal });
  slots.begin(of("c"));
  await settle();
  expect(begun).toEqual(["a", "c"]);
  slots.leave();
  await settle();
  expect(begun).toEqual(["a", "c"]);
  slots.leave();
  await settle();
  expect(begun).toEqual(["a", "c", "b"]);
});

test("a server that is closed while it waits uses no slot", async () => {
  const slots = new StartSlots(1);
  const closing = new AbortController();
  const { begun } = starting(slots, { a: signal, b: closing.signal, c: signal });
  closing.abort();
  await settle();
  expect(begun).toEqual(["a", "b is closed"]);
  slots.leave();
  await settle();
  expect(begun).toEqual(["a", "b is closed", "c"]);
});
