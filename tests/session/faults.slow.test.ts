import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "@jest/globals";
import pg from "pg";
import type { QuestionEvent } from "../../src/core/events.js";
import { openStore } from "../../src/log/open.js";
import { connect } from "../../src/log/sqlite/connection.js";
import { collect, startApp } from "../support/app.js";
import { answer, type LlmServer, type Step, stall, startLlmServer, stream, toolCalls } from "../support/llm-server.js";
import { noPostgres } from "../support/storages.js";
import { Desk, until } from "./desk.js";

const echo = toolCalls([{ name: "s__echo", arguments: { n: 1 } }]);

/** Takes every turn from its process, as a host does that believes the process dead. */
async function buryAll({ storage }: Desk): Promise<void> {
  const store = await openStore(storage, { now: Date.now, observe: () => {} });
  for (const { nodeId } of await store.turns.nodes()) await store.turns.bury(nodeId, Number.MAX_SAFE_INTEGER);
  await store.close();
}

async function typesOf({ storage }: Desk, requestId: string): Promise<string[]> {
  const store = await openStore(storage, { now: Date.now, observe: () => {} });
  const log = await store.read("c");
  await store.close();
  const first = log.find((event) => event.type === "user_message" && event.requestId === requestId);
  return log.filter(({ turnId }) => turnId === first?.turnId).map(({ type }) => type);
}

function texts(llm: LlmServer): unknown[] {
  return llm.requests.map(({ body }) => body.messages?.slice(1).map(({ content }) => content));
}

/** `late` makes a step that waits until `release` is called. */
function gate() {
  let release = () => {};
  const opened = new Promise<void>((open) => {
    release = open;
  });
  const late =
    (step: Step): Step =>
    (response, request) =>
      void opened.then(() => step(response, request));
  return { late, release: () => release() };
}

(noPostgres ? test.skip : test)(
  "a turn that another host has taken while this one was about to write and to end is not cancelled by that",
  async () => {
    const { late, release } = gate();
    await using llm = await startLlmServer([late(answer("lost")), answer("kept")]);
    await using desk = await Desk.open("postgres");
    const client = new pg.Client({ connectionString: (desk.storage as { url: string }).url });
    await client.connect();
    const host = await desk.host(llm);
    const turn = await host.sessions.open("c").submit({ requestId: "r", text: "go" });
    await llm.received(1);
    await client.query("SELECT pg_advisory_lock(hashtextextended('c', 0))");
    release();
    while ((await client.query("SELECT FROM pg_locks WHERE NOT granted")).rowCount === 0);
    await buryAll(desk);
    const parked = once(turn.stop, "abort");
    const drained = host.drain(0);
    await parked;
    await client.query("SELECT pg_advisory_unlock_all()");
    await drained;
    await client.end();
    const next = await desk.host(llm);
    const events = await collect(next.sessions.open("c").prompt({ requestId: "r", text: "go" }));
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  },
);

test.each(["here", "in another process"])(
  "a command's turn whose log was full continues before the conversation's next request, sent %s",
  async (where) => {
    await using llm = await startLlmServer([answer("lost"), answer("first"), answer("second")]);
    await using desk = await Desk.open("sqlite");
    const command = { llm: llm.url, storage: desk.storage, recover: false };
    await using host = await startApp(command);
    await using other = await startApp(command);
    const next = where === "here" ? host : other;
    const db = await connect((desk.storage as { path: string }).path);
    db.exec(`CREATE TRIGGER full BEFORE INSERT ON entries WHEN NEW.type = 'assistant_message'
      BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
    const lost = host.sessions.open("c").prompt({ requestId: "a", text: "one" });
    await expect(collect(lost)).rejects.toMatchObject({ kind: "full", retryable: true });
    db.exec("DROP TRIGGER full");
    db.close();
    await collect(next.sessions.open("c").prompt({ requestId: "b", text: "two" }));
    expect(texts(llm)).toEqual([["one"], ["one"], ["one", "first", "two"]]);
  },
  20_000,
);

test("a serving host whose log is full keeps an answer until there is room, and is not ready meanwhile", async () => {
  await using llm = await startLlmServer([answer("paid")]);
  await using desk = await Desk.open("sqlite");
  const { sessions } = await desk.host(llm);
  await sessions.recover();
  const db = await connect((desk.storage as { path: string }).path);
  db.exec(`CREATE TRIGGER full BEFORE INSERT ON entries WHEN NEW.type = 'assistant_message'
    BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
  const turn = await sessions.open("c").submit({ requestId: "r", text: "go" });
  const problem = () => sessions.logProblem(60_000);
  while ((await problem()) === undefined) await sleep(20);
  const lastBeat = db.prepare("SELECT max(seen_at) AS at FROM nodes");
  for (let beats = 0; beats < 2; beats++) {
    const before = lastBeat.get();
    while (isDeepStrictEqual(lastBeat.get(), before)) {
      expect(await problem()).toBe("the event log cannot be written: its disk is full");
      await sleep(20);
    }
  }
  db.exec("DROP TRIGGER full");
  db.close();
  expect((await collect(turn.watch())).at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  expect(llm.requests).toHaveLength(1);
  while ((await problem()) !== undefined) await sleep(20);
}, 30_000);

test("a serving host whose log is full keeps the whole of a large tool result until there is room", async () => {
  const call = toolCalls([{ name: "s__big", arguments: { bytes: 100_000 } }]);
  await using llm = await startLlmServer([call, answer("done")]);
  await using desk = await Desk.open("sqlite");
  const { sessions } = await desk.host(llm, { approval: "auto", result_limit_tokens: 500 });
  await sessions.recover();
  const db = await connect((desk.storage as { path: string }).path);
  const full = (when: string) => `CREATE TRIGGER full_${when.replaceAll(" ", "_")} BEFORE ${when}
    BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`;
  db.exec(full("INSERT ON results"));
  const turn = await sessions.open("c").submit({ requestId: "r", text: "go" });
  db.exec(full("UPDATE ON nodes"));
  while ((await sessions.logProblem(60_000)) === undefined) await sleep(20);
  db.exec("DROP TRIGGER full_INSERT_ON_results; DROP TRIGGER full_UPDATE_ON_nodes");
  expect((await collect(turn.watch())).at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  expect(db.prepare("SELECT length(text) AS length FROM results").all()).toMatchObject([{ length: 100_000 }]);
  db.close();
}, 30_000);

test("a large tool result that has no room alone blocks neither its turn nor the host", async () => {
  const call = toolCalls([{ name: "s__big", arguments: { bytes: 100_000 } }]);
  await using llm = await startLlmServer([call, answer("done")]);
  await using desk = await Desk.open("sqlite");
  const { sessions } = await desk.host(llm, { approval: "auto", result_limit_tokens: 500 });
  await sessions.recover();
  const db = await connect((desk.storage as { path: string }).path);
  db.exec(`CREATE TRIGGER full BEFORE INSERT ON results
    BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
  const events = await collect(sessions.open("c").prompt({ requestId: "r", text: "go" }));
  db.close();
  expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  expect(JSON.stringify(events)).toContain("it could not be stored (cannot write the event log");
  expect(await sessions.logProblem(60_000)).toBeUndefined();
}, 30_000);

test("a turn that is cancelled while its log is full ends as cancelled when there is room, and does not run again", async () => {
  await using llm = await startLlmServer([answer("paid")]);
  await using desk = await Desk.open("sqlite");
  const { sessions } = await desk.host(llm);
  await sessions.recover();
  const db = await connect((desk.storage as { path: string }).path);
  db.exec(`CREATE TRIGGER full BEFORE INSERT ON entries WHEN NEW.type <> 'user_message'
    BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
  const session = sessions.open("c");
  const turn = await session.submit({ requestId: "r", text: "go" });
  while ((await sessions.logProblem(60_000)) === undefined) await sleep(20);
  expect(session.cancel("r")).toBe(true);
  await sleep(20);
  db.exec("DROP TRIGGER full");
  db.close();
  expect((await collect(turn.watch())).at(-1)).toMatchObject({ type: "turn_end" });
  expect(session.turnCounts).toEqual({ running: 0, waiting: 0 });
  expect(llm.requests).toHaveLength(1);
}, 30_000);

(noPostgres ? test.skip : test)(
  "a serving host whose PostgreSQL refuses an answer because its table is locked keeps it, and is not ready meanwhile",
  async () => {
    const { late, release } = gate();
    await using llm = await startLlmServer([late(answer("paid"))]);
    await using desk = await Desk.open("postgres");
    const { url } = desk.storage as { url: string };
    await using host = await startApp({ llm: llm.url, storage: { url, statement_timeout: "300ms" } });
    await host.sessions.recover();
    const turn = await host.sessions.open("c").submit({ requestId: "r", text: "go" });
    await llm.received(1);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query("BEGIN");
    await client.query("LOCK TABLE events IN EXCLUSIVE MODE");
    release();
    const problem = () => host.sessions.logProblem(60_000);
    while ((await problem()) === undefined) await sleep(20);
    expect(await problem()).toBe("the event log cannot be written");
    await client.query("ROLLBACK");
    await client.end();
    expect((await collect(turn.watch())).at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
    expect(llm.requests).toHaveLength(1);
    while ((await problem()) !== undefined) await sleep(20);
  },
  30_000,
);

test("a host whose disk is full says so, until the log takes its heartbeat again", async () => {
  await using llm = await startLlmServer([]);
  await using desk = await Desk.open("sqlite");
  const { sessions } = await desk.host(llm);
  await sessions.recover();
  const problem = () => sessions.logProblem(60_000);
  const db = await connect((desk.storage as { path: string }).path);
  db.exec(`CREATE TRIGGER full BEFORE INSERT ON nodes BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
  while ((await problem()) === undefined) await sleep(20);
  expect(await problem()).toBe("the event log cannot be written: its disk is full");
  db.exec("DROP TRIGGER full");
  db.close();
  while ((await problem()) !== undefined) await sleep(20);
}, 20_000);

describe("a process that was taken for dead", () => {
  test("does not ask again what was answered meanwhile, when it gets its turn back", async () => {
    await using llm = await startLlmServer([echo, answer("allowed")]);
    await using desk = await Desk.open();
    const session = (await desk.host(llm, {})).sessions.open("c");
    const turn = await session.submit({ requestId: "r", text: "go", approval: "ask" });
    const { questionId } = (await until(turn.watch(), "question")).at(-1) as QuestionEvent;
    await buryAll(desk);
    expect(session.answer(questionId, true)).toBe(true);
    const events = await collect(turn.watch());
    expect(events.find(({ type }) => type === "tool_result")).toMatchObject({ isError: false });
    expect(events.at(-1)).toMatchObject({ type: "turn_end", stopReason: "end_turn" });
  });

  test("passes a cancel on to the process that now has its turn", async () => {
    await using llm = await startLlmServer([stream([stall]), stream([stall])]);
    // On PostgreSQL a live process keeps its queue entry for a minute after it was declared dead; tests/nodes has hosts that are really
    // silent.
    await using desk = await Desk.open("sqlite");
    const [owner, other] = [await desk.host(llm), await desk.host(llm)];
    const session = owner.sessions.open("c");
    const mine = await session.submit({ requestId: "r", text: "go", streaming: true });
    await llm.received(1);
    const store = await openStore(desk.storage, { now: Date.now, observe: () => {} });
    const first = (await store.turns.nodes())[0];
    await store.turns.bury(first?.nodeId ?? "", Number.MAX_SAFE_INTEGER);
    await store.close();
    const theirs = await other.sessions.open("c").submit({ requestId: "r", text: "go" });
    await llm.received(2);
    expect(session.cancel("r")).toBe(true);
    expect((await collect(theirs.watch())).at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
    expect((await collect(mine.watch())).at(-1)).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
  });
});

describe("a host that shuts down", () => {
  test("does not wait for another host's turn; a cancelled turn behind it has ended before it", async () => {
    let release = () => {};
    const gate = new Promise<void>((open) => {
      release = open;
    });
    await using llm = await startLlmServer([
      (response, request) => void gate.then(() => answer("first")(response, request)),
      answer("third"),
    ]);
    await using desk = await Desk.open();
    const owner = await desk.host(llm);
    const first = collect(owner.sessions.open("c").prompt({ requestId: "a", text: "one" }));
    await llm.received(1);
    const other = await desk.host(llm); // only now, because the turn might have been given to either of two hosts
    const session = other.sessions.open("c");
    const second = await session.submit({ requestId: "b", text: "two" });
    expect(session.cancel("b")).toBe(true);
    expect((await collect(second.watch())).at(-1)).toMatchObject({ stopReason: "cancelled" });
    await other.drain(0);
    release();
    await first;
    await collect(owner.sessions.open("c").prompt({ requestId: "c", text: "three" }));
    expect(await typesOf(desk, "b")).toEqual(["user_message", "turn_end"]);
    expect(llm.requests).toHaveLength(2);
  });

  test("cancels running turns, and leaves turns that wait for another host's turn to later", async () => {
    await using llm = await startLlmServer(() => stream([stall]));
    await using desk = await Desk.open();
    const owner = await desk.host(llm);
    const session = owner.sessions.open("c");
    const first = await session.submit({ requestId: "a", text: "one" });
    await llm.received(1);
    const other = await desk.host(llm);
    await other.sessions.open("c").submit({ requestId: "b", text: "two" });
    const last = await session.submit({ requestId: "c", text: "three" });
    await owner.close();
    expect((await collect(first.watch())).at(-1)).toMatchObject({ stopReason: "cancelled" });
    await expect(collect(last.watch())).rejects.toMatchObject({ kind: "shutting_down" });
    expect(await typesOf(desk, "c")).toEqual(["user_message"]);
  });

  test("leaves a turn that was just submitted to its next start, and accepts nothing more", async () => {
    await using llm = await startLlmServer([answer("one")]);
    await using desk = await Desk.open();
    const app = await desk.host(llm);
    const session = app.sessions.open("c");
    const submitted = session.submit({ requestId: "a", text: "one" });
    const closed = app.close();
    await expect(session.submit({ requestId: "b", text: "two" })).rejects.toMatchObject({ kind: "shutting_down" });
    await expect(collect((await submitted).watch())).rejects.toMatchObject({ kind: "shutting_down" });
    await closed;
    expect(await typesOf(desk, "a")).toEqual(["user_message"]);
    expect(await typesOf(desk, "b")).toEqual([]);
    const next = (await desk.host(llm)).sessions.open("c");
    expect((await collect(next.prompt({ requestId: "a", text: "one" }))).at(-1)).toMatchObject({ type: "turn_end" });
  });
});

test("a turn that has ended since it was found abandoned does not continue", async () => {
  await using llm = await startLlmServer([answer("done")]);
  await using desk = await Desk.open();
  const session = (await desk.host(llm)).sessions.open("c");
  const { turnId, requestId } = await session.submit({ requestId: "r", text: "go" });
  await collect(session.prompt({ requestId, text: "go" }));
  expect(await session.abandoned.takeOver({ conversationId: "c", turnId, requestId })).toBeUndefined();
});

test("a question that another process has had answered is not open here any more", async () => {
  await using llm = await startLlmServer([echo, stream([stall])]);
  await using desk = await Desk.open();
  const [owner, other] = [await desk.host(llm, {}), await desk.host(llm, {})];
  const request = { requestId: "r", text: "go", approval: "ask" as const };
  const session = owner.sessions.open("c");
  const mine = await session.submit(request);
  const { questionId } = (await until(mine.watch(), "question")).at(-1) as QuestionEvent;
  const watcher = other.sessions.open("c");
  const theirs = await watcher.submit(request);
  await until(theirs.watch(), "question");
  session.answer(questionId, true);
  await until(theirs.watch(), "answer");
  expect(watcher.answer(questionId, false)).toBe(false);
  await llm.received(2);
  session.cancel();
  await collect(mine.watch());
});
