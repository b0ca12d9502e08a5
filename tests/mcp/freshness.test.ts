import { expect, test } from "@jest/globals";
import type { ContentPart } from "../../src/core/messages.js";
import { FreshResources, freshMs, ListAge } from "../../src/mcp/lists/freshness.js";

const hour = 3_600_000;
const content = (text: string): ContentPart[] => [{ type: "text", text }];

/** Returns a read function that counts its calls. */
function reads(ttlMs: unknown, text = "") {
  let count = 0;
  return {
    read: async () => {
      count += 1;
      return { content: content(`${text}${count}`), result: { ttlMs } };
    },
    get count() {
      return count;
    },
  };
}

test.each([
  [5, 5],
  [0, 0],
  [-1, 0],
  ["5", 0],
  [undefined, 0],
  [Number.NaN, 0],
  [1e12, 24 * hour],
])("a ttlMs of %p counts as %p", (ttlMs, ms) => {
  expect(freshMs({ ttlMs })).toBe(ms);
});

test("a resource is kept for as long as it is fresh", async () => {
  const resources = new FreshResources();
  const source = reads(hour);
  await resources.get("a:1", source.read);
  expect(await resources.get("a:1", source.read)).toEqual(content("1"));
  expect(await resources.get("a:2", source.read)).toEqual(content("2"));
});

test("a resource is not kept after its time, or without one", async () => {
  const resources = new FreshResources();
  const brief = reads(1);
  await resources.get("a:1", brief.read);
  const until = performance.now() + 1;
  while (performance.now() <= until) await new Promise(setImmediate);
  await resources.get("a:1", brief.read);
  expect(brief.count).toBe(2);
  const never = reads(0);
  await resources.get("a:2", never.read);
  await resources.get("a:2", never.read);
  expect(never.count).toBe(2);
});

test("a change drops one resource, or all of them, also while they are being read", async () => {
  const resources = new FreshResources();
  const source = reads(hour);
  await resources.get("a:1", source.read);
  await resources.get("a:2", source.read);
  resources.changed("a:1");
  expect(await resources.get("a:2", source.read)).toEqual(content("2"));
  expect(await resources.get("a:1", source.read)).toEqual(content("3"));
  resources.allChanged();
  expect(await resources.get("a:2", source.read)).toEqual(content("4"));
  await resources.get("a:3", async () => {
    resources.changed("a:3");
    return source.read();
  });
  expect(await resources.get("a:3", source.read)).toEqual(content("6"));
});

test("the memory for resources is bounded in number and in size", async () => {
  const resources = new FreshResources();
  const source = reads(hour);
  for (let n = 0; n <= 100; n++) await resources.get(`a:${n}`, source.read);
  await resources.get("a:100", source.read);
  expect(source.count).toBe(101);
  await resources.get("a:0", source.read);
  expect(source.count).toBe(102);

  const large = reads(hour, "x".repeat(3 * 1024 * 1024));
  for (const uri of ["b:1", "b:2", "b:3"]) await resources.get(uri, large.read);
  await resources.get("b:3", large.read);
  expect(large.count).toBe(3);
  await resources.get("b:1", large.read);
  expect(large.count).toBe(4);

  const huge = reads(hour, "x".repeat(9 * 1024 * 1024));
  await resources.get("c:1", huge.read);
  await resources.get("c:1", huge.read);
  expect(huge.count).toBe(2);
});

test("lists without a lifetime never get stale; the page with the shortest lifetime counts", async () => {
  const age = new ListAge();
  await age.during(async (saw) => saw({}));
  expect(age.isStale).toBe(false);
  await age.during(async (saw) => [saw({ ttlMs: hour }), saw({ ttlMs: 1 }), saw({ ttlMs: 0 })]);
  const until = performance.now() + 1000;
  while (performance.now() <= until) await new Promise((done) => setTimeout(done, 20));
  expect(age.isStale).toBe(true);
  await age.during(async () => expect(age.isStale).toBe(false));
  expect(age.isStale).toBe(false);
});
