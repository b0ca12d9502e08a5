import { expect, test } from "@jest/globals";
import { Channel } from "../../src/core/channel.js";

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test("what was pushed before and during the iteration arrives in order, then the end", async () => {
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
