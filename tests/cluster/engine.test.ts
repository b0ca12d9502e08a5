import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { type EngineParts, TurnEngine } from "../../src/cluster/engine.js";
import type { TurnDispatch } from "../../src/cluster/free-turns.js";
import { LogCluster } from "../../src/cluster/log-cluster.js";
import { Channel } from "../../src/core/async/channel.js";
import type { ChatStore } from "../../src/core/chat-store.js";
import type { LocalTurns } from "../../src/core/cluster-port.js";
import { StoreError } from "../../src/core/errors.js";
import type { HostProcess, TurnLeases, TurnMail, TurnName } from "../../src/core/turn-leases.js";
import { openStore } from "../../src/log/open.js";
import { connect } from "../../src/log/sqlite/connection.js";
import { request, turn } from "../log/support.js";

const { user } = turn("turn_1");
const answered: TurnMail = { type: "answer", questionId: "q", value: true };
const node = (nodeId: string): HostProcess => ({ nodeId, machine: "elsewhere", pid: 1 });

let folder: string;
let ours: ChatStore;
let theirs: ChatStore;
/** Time of the log's clock. */
let now: number;

beforeEach(async () => {
  now = 0;
  folder = mkdtempSync(join(tmpdir(), "engine-"));
  const open = () =>
    openStore(
      { driver: "sqlite", path: join(folder, "log.db"), durability: "normal" },
      { now: () => now, observe: () => {} },
    );
  [ours, theirs] = [await open(), await open()];
});

afterEach(async () => {
  await ours.close();
  await theirs.close();
  rmSync(folder, { recursive: true });
});

const quietHost: LocalTurns = {
  isBusy: () => true,
  has: () => true,
  abandoned: () => {},
  swept: () => {},
  given: async () => {},
  mail: () => {},
};

/** Starts an engine of node "a" on our connection. `looks` gets an item whenever the engine reads its mail, `mail` gets the mail. */
function engineOf({ leaseMs, dispatch }: Pick<EngineParts, "leaseMs" | "dispatch"> = {}) {
  const looks = new Channel<void>();
  const beats = new Channel<number>();
  const mail = new Channel<TurnMail>();
  const turns = new Proxy(ours.turns, {
    get(target, name: keyof TurnLeases) {
      if (name === "receive") looks.push();
      if (name === "nodes") beats.push(now);
      return (target[name] as (() => unknown) | undefined)?.bind(target);
    },
  });
  const engine = new TurnEngine(
    { turns, node: node("a"), workspace: "here", isGone: () => false, observe: () => {}, leaseMs, dispatch },
    { ...quietHost, mail: (_conversation, _turn, each) => mail.push(each) },
  );
  return { engine, looks, beats, mail };
}

async function next<T>(channel: Channel<T>): Promise<T> {
  const { done, value } = await channel.next();
  if (done) throw new Error("closed");
  return value;
}

test("mail that a process sends to its own turn arrives, although no other process writes", async () => {
  const { engine, looks, mail } = engineOf();
  await engine.begin();
  await next(looks);
  await ours.claim("c", user("hello"), request("a"));
  await engine.send("c", "turn_1", answered);
  expect(await next(mail)).toEqual(answered);
  await engine.close();
});

test("mail to a turn whose process has died reaches the process that continues the turn, before it continues", async () => {
  const { engine, looks, mail } = engineOf();
  const seen: TurnMail[] = [];
  await theirs.turns.beat(node("b"));
  await theirs.claim("c", user("hello"), request("b"));
  await engine.begin();
  await next(looks);
  await theirs.turns.send("c", "turn_1", { type: "cancel" });
  await next(looks);
  await ours.turns.bury("b", 0);
  expect(await engine.acquire("c", "turn_1")).toBeDefined();
  mail.close();
  for await (const each of mail) seen.push(each);
  expect(seen).toEqual([{ type: "cancel" }]);
  await engine.close();
});

test.each(["full", "locked"] as const)(
  "a turn's write that a %s log refuses is repeated after each heartbeat, and its error stays until it is stored",
  async (kind) => {
    const beat = jest.spyOn(ours.turns, "beat");
    const { engine } = engineOf({ leaseMs: 400 });
    await engine.recover({ takesAny: true });
    const attempts = new Channel<(error?: StoreError) => void>();
    const write = () =>
      new Promise<string>((resolve, reject) => {
        attempts.push((error) => (error ? reject(error) : resolve("stored")));
      });
    const stored = engine.retryRefused(write, () => true);
    (await next(attempts))(new StoreError(kind, "refused"));
    const again = await next(attempts);
    const before = beat.mock.calls.length;
    while (beat.mock.calls.length < before + 3) await sleep(5); // an attempt may take longer than several heartbeats
    expect(engine.writeError).toMatchObject({ kind });
    again();
    expect(await stored).toBe("stored");
    while (engine.writeError) await sleep(5);
    await expect(
      engine.retryRefused(
        () => Promise.reject(new StoreError("fenced", "lost")),
        () => true,
      ),
    ).rejects.toThrow("lost");
    await engine.close();
  },
);

test("the error of a write that the log refused stays until the log stores a heartbeat and refuses nothing", async () => {
  const warned = new Channel<void>();
  const parts = { store: ours, node: node("a"), workspace: "here", isGone: () => false, leaseMs: 400, now: () => now };
  const cluster = new LogCluster({ ...parts, observe: () => warned.push() }, quietHost);
  const db = await connect(join(folder, "log.db"));
  db.exec(`CREATE TRIGGER refused BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
  await expect(cluster.claim("c", user("hello"), request("a"))).rejects.toMatchObject({ kind: "full" });
  expect(cluster.writeError).toMatchObject({ kind: "full" });
  await cluster.begin();
  expect(cluster.writeError).toMatchObject({ kind: "full" });
  while (cluster.writeError) await sleep(5);
  db.exec(
    `CREATE TRIGGER unheard BEFORE INSERT ON nodes BEGIN SELECT RAISE(ABORT, 'attempt to write a readonly database'); END`,
  );
  await next(warned);
  expect(cluster.writeError).toMatchObject({ kind: "write" });
  db.exec("DROP TRIGGER unheard");
  db.close();
  while (cluster.writeError) await sleep(5);
  await cluster.close();
});

describe("a write that a full log refuses", () => {
  const full = () => Promise.reject(new StoreError("full", "the disk is full"));

  test("is given up when its turn closes, even if the log also refuses heartbeats", async () => {
    const { engine } = engineOf({ leaseMs: 20 });
    await engine.recover({ takesAny: true });
    const db = await connect(join(folder, "log.db"));
    db.exec(`CREATE TRIGGER unheard BEFORE INSERT ON nodes BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
    db.close();
    let attempts = 0;
    const write = () => {
      attempts++;
      return full();
    };
    await expect(engine.retryRefused(write, () => attempts < 3)).rejects.toMatchObject({ kind: "full" });
    expect(engine.writeError).toMatchObject({ kind: "full" });
    await engine.close();
  });

  test("is given up after a time, although the log stores heartbeats", async () => {
    const { engine } = engineOf({ leaseMs: 4 });
    await engine.recover({ takesAny: true });
    await expect(engine.retryRefused(full, () => true)).rejects.toMatchObject({ kind: "full" });
    await engine.close();
  });
});

test("a process that stood still, or whose clock was set, declares no process dead that may have stood still with it", async () => {
  const { engine, beats } = engineOf({ leaseMs: 400 });
  await theirs.turns.beat(node("b"));
  await engine.begin();
  now = 3_600_000;
  while ((await next(beats)) < now);
  await theirs.turns.beat(node("b")); // as late as our own heartbeat
  await next(beats);
  expect((await theirs.turns.nodes()).map(({ nodeId }) => nodeId)).toEqual(["b", "a"]);
  now += 100;
  await next(beats);
  await engine.close();
});

test("a process that is silent for a whole lease, while ours is not, is declared dead", async () => {
  const { engine, beats } = engineOf({ leaseMs: 400 });
  await theirs.turns.beat(node("b"));
  await engine.begin();
  for (; (await theirs.turns.nodes()).length > 1; await next(beats)) now += 100;
  expect(now).toBeGreaterThan(400);
  await engine.close();
});

test("a dead process is declared dead a lease after the log's clock was set back, and a live process is not", async () => {
  now = 3_600_000;
  const { engine, beats } = engineOf({ leaseMs: 400 });
  await theirs.turns.beat(node("b"));
  await theirs.turns.beat(node("c"));
  await engine.begin();
  now = 0;
  const known = async () => (await theirs.turns.nodes()).map(({ nodeId }) => nodeId).toSorted();
  for (let looks = 0; looks < 20 && (await known()).includes("b"); looks++) {
    await theirs.turns.beat(node("c"));
    await next(beats);
    now += 50;
  }
  expect(await known()).toEqual(["a", "c"]);
  expect(now).toBeGreaterThanOrEqual(400);
  await engine.close();
});

test("a process that was silent for a lease no longer relies on the turns it had before, even after its next heartbeat", async () => {
  let clock = 0;
  const spy = jest.spyOn(performance, "now").mockImplementation(() => clock);
  const { engine } = engineOf();
  await engine.begin();
  await ours.claim("c", user("hello"), request("a"));
  await engine.acquire("c", "turn_1");
  expect(engine.ownership.isSureSince(0)).toBe(true);
  clock = 10_000;
  expect(engine.ownership.isSureSince(0)).toBe(false);
  await theirs.turns.bury("a", now);
  await expect(engine.ownership.confirm("c", "turn_1")).rejects.toMatchObject({ kind: "fenced" });
  expect(engine.ownership.isSureSince(0)).toBe(false);
  await engine.acquire("c", "turn_1");
  expect(await engine.ownership.confirm("c", "turn_1")).toBe(clock);
  expect(engine.ownership.isSureSince(clock)).toBe(true);
  await engine.close();
  spy.mockRestore();
});

describe("with a dispatch between hosts", () => {
  /** Starts host "a", which offers free turns. `offers` gets the ids of the turns of each offer, `given` each turn that is to run here. */
  async function dispatching() {
    const offers = new Channel<string[]>();
    const given = new Channel<TurnName>();
    const sweeps = new Channel<void>();
    const taking: ((turn: TurnName) => void)[] = [];
    const watchers = new Set<(conversationId?: string) => void>();
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const dispatch: TurnDispatch = {
      begin: async (_nodeId, take) => void taking.push(take),
      offer: async (turns) => offers.push(turns.map(({ turnId }) => turnId)),
      retire: async () => {},
    };
    const turns = new Proxy(ours.turns, {
      get(target, name: keyof TurnLeases) {
        if (name === "nodes") sweeps.push();
        if (name === "watch") return (watcher: (conversationId?: string) => void) => watchers.add(watcher);
        return (target[name] as (() => unknown) | undefined)?.bind(target);
      },
    });
    const engine = new TurnEngine(
      { turns, node: node("a"), workspace: "here", isGone: () => false, observe: () => {}, leaseMs: 400, dispatch },
      {
        isBusy: () => false,
        has: () => false,
        abandoned: () => {},
        swept: () => {},
        given: (turn) => {
          given.push(turn);
          return ended;
        },
        mail: () => {},
      },
    );
    await theirs.turns.beat(node("b"));
    await theirs.claim("c", user("hello"), { ...request("b"), workspace: "here" });
    await engine.recover({ takesAny: true });
    const notice = (conversationId?: string) => {
      for (const watcher of watchers) watcher(conversationId);
    };
    const take = (turn: TurnName) => taking[0]?.(turn);
    return { engine, offers, given, sweeps, notice, take, end };
  }

  test("turns of a host that has left are offered as soon as its leaving is announced", async () => {
    const { engine, offers, notice } = await dispatching();
    expect(await next(offers)).toEqual([]);
    await theirs.turns.leave("b");
    notice();
    expect(await next(offers)).toEqual(["turn_1"]);
    await engine.close();
  });

  test("a turn that was dispatched to this host does not count as one that it cannot run until the turn is over here", async () => {
    const { engine, given, sweeps, take, end } = await dispatching();
    const turn = { conversationId: "c", turnId: "turn_1", requestId: "request-turn_1" };
    const fence = async () => (await theirs.turns.acquire("c", "turn_1", "a"))?.fence;
    await theirs.turns.leave("b");
    const before = (await fence()) ?? 0;
    take(turn);
    expect(await next(given)).toEqual(turn);
    for (let count = 0; count < 3; count++) await next(sweeps);
    expect(await theirs.turns.held("a")).toMatchObject([turn]);
    expect(await fence()).toBe(before + 1);
    end();
    while ((await theirs.turns.held("a")).length > 0) await next(sweeps);
    await engine.close();
  });
});

test("an engine whose start fails while it is closed leaves the log", async () => {
  const [begins, goesOn] = [new Channel<void>(), new Channel<void>()];
  const dispatch: TurnDispatch = {
    begin: async () => {
      begins.push();
      await goesOn.next();
      throw new Error("the database is away");
    },
    offer: async () => {},
    retire: async () => goesOn.close(),
  };
  const { engine } = engineOf({ dispatch });
  const recovered = expect(engine.recover({ takesAny: true })).rejects.toThrow("the database is away");
  await next(begins);
  await engine.close();
  await recovered;
  expect(await theirs.turns.nodes()).toEqual([]);
});
