import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { isWhole, Scene } from "./scene.js";

/** `KILL_SEED` repeats one round only. */
const rounds = isWhole ? 200 : 6;
const first = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000_000);
const seeds = process.env.KILL_SEED ? [first] : Array.from({ length: rounds }, (_, index) => first + index);
/** Kills happen within this time: from before the host has loaded to after its turn has ended, in ms. */
const longestMs = 1500;

/** Returns mulberry32's numbers: always the same ones for the same seed. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test.each(seeds)(
  "after kills at random moments (KILL_SEED=%i), nothing is lost, and nothing happens twice",
  async (seed) => {
    const random = numbers(seed);
    await using scene = await Scene.open();
    const kills = 1 + Math.floor(random() * 2);
    for (let kill = 0; kill < kills; kill++) {
      const host = scene.start();
      const requested = scene.request(host);
      await sleep(random() * longestMs);
      host.kill("SIGKILL");
      await requested;
    }
    if ((await scene.log()).length > 0) await scene.endsByItself();
    const again = scene.start();
    await scene.check(await scene.request(again));
    expect(scene.requests).toBeLessThanOrEqual(3 + kills);
    await scene.end(again);
  },
);
