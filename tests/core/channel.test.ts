import { expect, test } from "@jest/globals";
import { Channel } from "../../src/core/async/channel.js";

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test("items pushed before and during the iteration arrive in order, then the end", async () => {
  const channel = new Channel<number>();
  channel.push(1);
  const collected = collect(channel);
  channel.push(2);
  await Promise.resolve();
  channel.push(3);
  channel.close();
  expect(await collected).toEqual([1, 2, 3]);
});

test("items pushed before a failure are delivered before it is thrown", async () => {
  const channel = new Channel<number>();
  channel.push(1);
  channel.close({ error: new Error("cut") });
  const seen: number[] = [];
  const reading = (async () => {
    for await (const item of channel) seen.push(item);
  })();
  await expect(reading).rejects.toThrow("cut");
  expect(seen).toEqual([1]);
});

test("an item pushed while the consumer works on another one is not lost", async () => {
  const channel = new Channel<number>();
  channel.push(1);
  const seen: number[] = [];
  for await (const item of channel) {
    seen.push(item);
    if (item < 3) channel.push(item + 1);
    else channel.close();
  }
  expect(seen).toEqual([1, 2, 3]);
});

test("a burst of items lets timers run and loses nothing", async () => {
  const channel = new Channel<number>();
  for (let item = 0; item < 2000; item++) channel.push(item);
  channel.close();
  let fired = 0;
  setImmediate(() => {
    fired = seen.length;
  });
  const seen: number[] = [];
  for await (const item of channel) seen.push(item);
  expect(seen).toEqual(Array.from({ length: 2000 }, (_, item) => item));
  expect(fired).toBeGreaterThan(0);
  expect(fired).toBeLessThan(500);
});

test("reads that wait get the next items in order, and further reads get the end", async () => {
  const channel = new Channel<number>();
  const asked = [channel.next(), channel.next(), channel.next(), channel.next()];
  channel.push(1);
  channel.push(2);
  channel.close({ error: new Error("cut") });
  expect(await Promise.allSettled(asked)).toMatchObject([
    { value: { value: 1 } },
    { value: { value: 2 } },
    { reason: { message: "cut" } },
    { value: { done: true } },
  ]);
});

test("nothing starts before the first read, and leaving is reported once, only if something has started", async () => {
  const told: string[] = [];
  const channelOf = (name: string) =>
    new Channel<number>({ begin: () => told.push(`${name} begins`), left: () => told.push(`${name} is left`) });
  await channelOf("unread").return();
  const channel = channelOf("read");
  const first = channel.next();
  channel.push(1);
  channel.push(2);
  expect(await first).toEqual({ done: false, value: 1 });
  await channel.return();
  await channel.return();
  channel.close({ error: new Error("what nobody waits for any more") });
  expect(await channel.next()).toEqual({ done: true, value: undefined });
  expect(told).toEqual(["read begins", "read is left"]);
});
