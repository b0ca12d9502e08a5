/** The tasks of a contestant in a round. Times are microseconds of this process unless a figure's name says otherwise. */
import { conversation } from "./history.mjs";
import { paced } from "./paced.mjs";

export const tasks = { calls, burst, paced, turns, growth, memory };

/** Makes `count` plain calls, `inFlight` at a time. */
async function calls(contestant, { count, inFlight }) {
  let left = count;
  const work = async () => {
    while (left-- > 0) requireAnswer(await contestant.complete("Tell me something about the sea. ".repeat(20)));
  };
  return per(count, () => Promise.all(Array.from({ length: inFlight }, work)));
}

/** Reads one stream whose chunks all arrive at once. */
async function burst(contestant, { chunks }) {
  let length = 0;
  const figures = await per(chunks, () =>
    contestant.stream(`[[burst-${chunks}]]`, (text) => {
      length += text.length;
    }),
  );
  if (length !== "word ".length * chunks) throw new Error(`${length} characters of ${chunks} chunks`);
  return { ...figures, chunksPerSecond: 1e6 / figures.wall };
}

/** Runs `count` turns of `hops` hops, each with `calls` calls of the tool. */
async function turns(contestant, { count, hops, calls, tool }) {
  return per(count * hops, async () => {
    for (let turn = 0; turn < count; turn++) requireAnswer(await contestant.turn(`[[tools-${hops}x${calls}-${tool}]]`));
  });
}

let history;

/** Measures how much processor time a long history adds to a call. */
async function growth(contestant, { count, messages }) {
  history ??= contestant.historyOf(conversation(messages));
  const many = async (...args) => {
    for (let call = 0; call < count; call++) requireAnswer(await contestant.complete("And then?", ...args));
  };
  const empty = await per(count, () => many());
  const full = await per(count, () => many(history));
  return { growth: full.cpu - empty.cpu, wall: full.wall };
}

/** Measures resident memory in megabytes: `ready` before any work, `peak` after some work of each kind. */
async function memory(contestant) {
  const ready = process.memoryUsage.rss() / 2 ** 20;
  await calls(contestant, { count: 200, inFlight: 8 });
  await burst(contestant, { chunks: 20_000 });
  await turns(contestant, { count: 10, hops: 10, calls: 1, tool: "echo" });
  return { ready, peak: process.resourceUsage().maxRSS / 1024 };
}

async function per(units, work) {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const wall = ((performance.now() - startedAt) * 1000) / units;
  const { user, system } = process.cpuUsage(before);
  return { cpu: (user + system) / units, wall };
}

function requireAnswer(text) {
  if (text !== "That is all.") throw new Error(`this answer is not the model's: ${text}`);
}
