import { inspect } from "node:util";
import { expect, test } from "@jest/globals";
import { isWhole, withPostgres } from "./cluster.js";
import { traceOf } from "./custody.js";
import { FaultLane, leaseMs } from "./fault-lane.js";
import { judge } from "./invariants.js";
import type { Figures } from "./log-invariants.js";
import { conversationsOf, scheduleOf, shown } from "./schedule.js";

/** `FAULT_SEED` runs one schedule, `FAULT_SEEDS` so many schedules. */
const given = process.env.FAULT_SEED;
const first = Number(given ?? 1_000);
const count = Number(process.env.FAULT_SEEDS ?? (given ? 1 : 200));
/** Number of schedules that run at the same time, each on its own nodes and database. Most of the time they only wait. */
const lanes = Math.min(count, 3);
const longestMs = 30 * 60_000;
const wanted = isWhole || given ? test : (test.skip as typeof test);

withPostgres("random faults on three nodes and their database", () => {
  wanted(
    `${count} schedules from FAULT_SEED=${first} on: every request has one turn and one end, and what was done is not done again`,
    async () => {
      const seeds = Array.from({ length: count }, (_, index) => first + index);
      const failures: string[] = [];
      const sums: Record<string, number> = {};
      const startedAt = performance.now();
      const work = async () => {
        await using lane = await FaultLane.open();
        for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
          const { failure, figures } = await attempt(lane, seed);
          for (const [name, value] of Object.entries(figures)) sums[name] = (sums[name] ?? 0) + value;
          if (failure) {
            failures.push(failure);
            process.stderr.write(`${failure}\n`);
          }
        }
      };
      await Promise.all(Array.from({ length: lanes }, work));
      const tookS = (performance.now() - startedAt) / 1_000;
      process.stderr.write(`${count} schedules from ${first} on in ${tookS.toFixed(0)} s: ${JSON.stringify(sums)}\n`);
      expect(failures).toEqual([]);
      expect(sums.turns).toBeGreaterThan(count);
    },
    longestMs,
  );
});

/** Runs a schedule and never rejects: a failure is returned with its seed. */
async function attempt(lane: FaultLane, seed: number): Promise<{ failure?: string; figures: Partial<Figures> }> {
  const schedule = scheduleOf(seed, leaseMs);
  const failed = (found: string) => `FAULT_SEED=${seed}\n${shown(schedule)}\n${found}`;
  try {
    const { contradictions, figures } = await judge(lane, await lane.carryOut(schedule));
    if (contradictions.length === 0) return { figures };
    const trace = await traceOf(lane.cluster, conversationsOf(schedule));
    return { failure: failed(`${contradictions.join("\n")}\n${trace}`), figures };
  } catch (error) {
    return { failure: failed(inspect(error)), figures: {} };
  }
}
