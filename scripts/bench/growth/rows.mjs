/**
 * What is measured on logs of each size, and what each row must keep to: `growth`, how many times the figure of the smallest log the largest
 * may have; `stallMs`, the longest stall of the event loop; `over`, a row of the same log and how many times its figure this row may have;
 * `most`, the highest value. A figure is `{ value, stallMs }`. Values are milliseconds, or bytes.
 */
import { watchStalls } from "./stalls.mjs";

const dayMs = 24 * 60 * 60 * 1000;
const stallMs = 20;

/** Addresses that a served log is asked for. */
const asked = {
  "a page of 50": "/api/sessions?limit=50",
  "a search, many found": "/api/sessions?limit=50&q=Weather",
  "a search, one found": "/api/sessions?limit=50&q=number+7+of",
  "a search, nothing found": "/api/sessions?limit=50&q=nowhere",
  "usage of 7 days": "/api/usage?since=7d",
  "usage of 70 days": "/api/usage?since=70d",
  "usage of 700 days": "/api/usage?since=700d",
  "usage of 700 days, by model": "/api/usage?since=700d&by=model",
  "usage of 700 days, by tool": "/api/usage?since=700d&by=tool",
  "usage of 7 days, by conversation": "/api/usage?since=7d&by=conversation&limit=50",
  "usage of 700 days, by conversation": "/api/usage?since=700d&by=conversation&limit=50",
};

export const bounds = {
  ...Object.fromEntries(Object.keys(asked).map((name) => [name, { growth: 2, stallMs }])),
  "usage of 70 days": { growth: 2, stallMs, over: ["usage of 7 days", 2] },
  "usage of 700 days": { growth: 2, stallMs, over: ["usage of 70 days", 2] },
  // These two read a row of each conversation of their days, so they grow with the number of conversations.
  "usage of 7 days, by conversation": { stallMs },
  "usage of 700 days, by conversation": { stallMs },
  "retention with nothing to delete": { growth: 1.5, stallMs },
  "`sessions list`": { growth: 1.2 },
  "`sessions list` after a host was killed": { growth: 1.2 },
  "`chat -c` to its prompt": { growth: 1.2 },
  "the first turn of a host": {},
  "the same with `chat.limits.day`": { over: ["the first turn of a host", 1.2] },
  "a later turn": {},
  "a later turn with `chat.limits.day`": { over: ["a later turn", 1.2] },
  "space of an event of 1,000 bytes": { most: 1_400 },
};

/** Measures lists, searches, reports, commands and retention. `openStore` opens the log in this process. */
export async function measureReads({ home, storage, conversations, openStore, Retention }) {
  await home.configure(storage);
  const figures = {};
  const host = await home.serve();
  for (const [name, path] of Object.entries(asked)) figures[name] = await timed(15, () => host.ask(path), host.stallMs);
  for (const path of ["/api/usage?since=700d", "/api/usage?since=700d&by=model"]) {
    const { total } = await host.ask(path);
    if (total.requests < conversations * 0.9) throw new Error(`${path} counts ${total.requests} requests`);
  }
  await host.end();
  const list = () => home.run("sessions", "list", "--limit", "20");
  figures["`sessions list`"] = await timed(5, list);
  const kill = async () => (await home.serve()).end("SIGKILL");
  figures["`sessions list` after a host was killed"] = await timed(5, list, undefined, kill);
  figures["`chat -c` to its prompt"] = await timed(5, () => home.chat("-c"));
  const store = await openStore(storage);
  const rules = { maxAgeMs: 1_000 * dayMs, maxConversations: 2 * conversations };
  const retention = new Retention({ store, rules, isOpen: () => false, now: Date.now, observe: () => {} });
  figures["retention with nothing to delete"] = await timed(15, () => retention.apply(), watchStalls());
  await store.close();
  return figures;
}

/** Measures turns of two hosts, without a limit and with one that is never reached, on a log whose conversations are all of today. */
export async function measureTurns({ home, storage }) {
  const [free, limited] = [{ limits: {} }, { limits: { day: { tokens: 1e15 } } }].map((side) => ({
    ...side,
    first: [],
    later: [],
  }));
  let turns = 0;
  const time = async ({ host }) => {
    const startedAt = performance.now();
    const body = { model: "mcp-platform", messages: [{ role: "user", content: "Hello" }] };
    await host.ask("/v1/chat/completions", body, { "x-conversation-id": `bench_${++turns}` });
    return performance.now() - startedAt;
  };
  for (let start = 0; start < 4; start++) {
    const sides = start % 2 ? [free, limited] : [limited, free];
    for (const side of sides) {
      await home.configure(storage, side.limits);
      side.host = await home.serve();
    }
    for (const side of sides) side.first.push(await time(side));
    for (let round = 0; round < 10; round++) {
      for (const side of sides) side.later.push(await time(side));
    }
    for (const { host } of sides) await host.end();
  }
  return {
    "the first turn of a host": { value: Math.min(...free.first) },
    "the same with `chat.limits.day`": { value: Math.min(...limited.first) },
    "a later turn": { value: Math.min(...free.later) },
    "a later turn with `chat.limits.day`": { value: Math.min(...limited.later) },
  };
}

/**
 * Runs the work several times. Returns the shortest of its times, which other programs of the machine have disturbed least, and the median
 * of the longest stalls. The time is infinite if the work fails, for example at a time limit of the database.
 */
async function timed(times, work, longestStall, before) {
  const [values, stalls] = [[], []];
  for (let count = 0; count < times; count++) {
    await before?.();
    await longestStall?.();
    const startedAt = performance.now();
    try {
      await work();
    } catch (error) {
      process.stderr.write(`${error}\n`);
      return { value: Number.POSITIVE_INFINITY, stallMs: await longestStall?.() };
    }
    values.push(performance.now() - startedAt);
    if (longestStall) stalls.push(await longestStall());
  }
  const stallMs = stalls.toSorted((a, b) => a - b)[stalls.length >> 1];
  return { value: Math.min(...values), ...(longestStall && { stallMs }) };
}
