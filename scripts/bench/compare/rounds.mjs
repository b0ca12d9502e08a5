import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { contestantArgs, firstTextMs, startContestant } from "./processes.mjs";

/** Warm-up rounds, in which V8 compiles most of the measured code. A workload may set its own number. */
const fewestWarmUps = 3;
const prompt = "Say what there is to say.";

/**
 * Resolves with the figures of every contestant in every round: `{name: [figures]}`. Each contestant has its own process for all rounds;
 * workloads about starts or memory use a new process in each round. The order of contestants rotates from round to round. A contestant
 * that fails is dropped, and `onFailure` gets its error.
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

/** Returns `measure`, which runs one round of the workload with this contestant, and `stop` if a process is kept. */
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
