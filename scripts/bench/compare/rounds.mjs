import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { contestantArgs, firstTextMs, startContestant } from "./processes.mjs";

/** Rounds that do not count, unless the workload has more of them: until most of what is measured is compiled. */
const fewestWarmUps = 3;
const prompt = "Say what there is to say.";

/**
 * The figures of every contestant in every round: `{name: [figures]}`. Each has a process of its own, kept over the rounds unless the
 * workload is about starts or memory; within a round all have their turn, in an order that rotates. One that fails is out, with its
 * error told.
 */
export async function runRounds(
  workload,
  contestants,
  { mocks, rounds = workload.rounds, folder, profiles, onFailure },
) {
  const entries = [];
  for (const contestant of contestants) {
    const home = join(folder, workload.key, contestant.name);
    mkdirSync(home, { recursive: true });
    const servers = workload.servers?.(mocks) ?? [];
    const setup = { baseUrl: mocks.baseUrl, servers, streams: workload.streams, home, ...contestant.setup };
    entries.push({ contestant, figures: [], round: roundOf(workload, contestant, { setup, profiles }) });
  }
  const running = new Set(entries);
  const first = workload.isFresh ? 0 : workload.isStart ? -1 : -(workload.warmUps ?? fewestWarmUps);
  for (let round = first; round < rounds; round++) {
    const from = Math.abs(round) % entries.length;
    for (const entry of [...entries.slice(from), ...entries.slice(0, from)]) {
      if (!running.has(entry)) continue;
      try {
        const figures = await entry.round.measure();
        if (round >= 0) entry.figures.push(figures);
      } catch (error) {
        running.delete(entry);
        entry.figures = [];
        onFailure(entry.contestant.name, error);
      }
    }
  }
  for (const { round } of entries) await round.stop?.();
  return Object.fromEntries(entries.map(({ contestant, figures }) => [contestant.name, figures]));
}

/** How one round of the workload is measured with this contestant. */
function roundOf({ key, isStart, isFresh, task }, { name, module, command }, { setup, profiles }) {
  if (isStart) {
    const started = command?.(setup, prompt) ?? { args: contestantArgs(module, setup, prompt) };
    return { measure: async () => ({ ms: await firstTextMs(started) }) };
  }
  const start = () => startContestant(module, setup, profiles && { folder: profiles, name: `${key}-${name}` });
  if (isFresh) {
    const measure = async () => {
      const fresh = await start();
      try {
        return await fresh.figures(task);
      } finally {
        await fresh.stop();
      }
    };
    return { measure };
  }
  let kept;
  const measure = async () => {
    kept ??= await start();
    return kept.figures(task);
  };
  return { measure, stop: () => kept?.stop() };
}
