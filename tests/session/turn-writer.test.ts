import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { ChatStore } from "../../src/core/chat-store.js";
import { StoreError } from "../../src/core/errors.js";
import type { StoredEvent, TurnEvent } from "../../src/core/events.js";
import { newId } from "../../src/core/ids.js";
import type { ToolCall } from "../../src/core/messages.js";
import type { ToolHub } from "../../src/core/ports.js";
import { openStore } from "../../src/log/open.js";
import type { Session } from "../../src/session/session.js";
import { Sessions } from "../../src/session/sessions.js";
import { LiveTurn } from "../../src/session/turns/live-turn.js";
import { Questions } from "../../src/session/turns/questions.js";
import { TurnWriter } from "../../src/session/turns/turn-writer.js";
import { call, request, turn } from "../log/support.js";
import { collect, fixtureServer, startApp } from "../support/app.js";
import { joining } from "../support/cluster.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";

const one = turn("turn_1");
const calls = (...ids: string[]): ToolCall[] => ids.map((id) => call(id));

let store: ChatStore;
/** Types of the events in each write. */
let writes: string[][];

beforeEach(async () => {
  store = await openStore({ driver: "memory" }, { now: Date.now, observe: () => {} });
  writes = [];
  const append = store.appendAll.bind(store);
  store.appendAll = (conversationId, events, grant) => {
    writes.push(events.map(({ type }) => type));
    return append(conversationId, events, grant);
  };
});

afterEach(() => store.close());

/** Returns a writer of a turn that the node "a" has begun. */
async function writerOf({ repetitions = 0 } = {}) {
  await store.claim("c", one.user("go"), request("a"));
  const lease = await store.turns.acquire("c", "turn_1", "a");
  if (!lease) throw new Error("it is somebody else's");
  const shown: TurnEvent[] = [];
  const live = new LiveTurn({ requestId: "r" }, [], (event) => shown.push(event));
  live.claimed("turn_1");
  const log: StoredEvent[] = [];
  const writer = new TurnWriter({
    parts: { store, hub: {} as ToolHub, conversationId: "c", questions: new Questions() },
    turnId: "turn_1",
    live,
    owned: {
      lease,
      withProcesses: (events) => events,
      show: (event) => live.publish(event),
      retryRefused: async (write) => {
        while (repetitions-- > 0) {
          try {
            return await write();
          } catch {
            // repeated below
          }
        }
        return write();
      },
    },
    log: { events: log },
    own: { length: 1 },
    lastSeq: 1,
    signal: live.stop,
    stored: (event) => log.push(event),
  });
  return { writer, shown, log, live };
}

describe("events of a turn", () => {
  test("of a parked turn are not stored, except for an answer, because it is paid for", async () => {
    const { writer, live } = await writerOf();
    const written = writer.store([one.answer("whole", calls("a")), one.planned(call("a")), one.sent("a")]);
    live.park();
    await expect(written).rejects.toMatchObject({ kind: "shutting_down" });
    const [, ...rest] = await store.read("c");
    expect(rest).toMatchObject([{ type: "assistant_message", message: { content: "whole", toolCalls: calls("a") } }]);
  });

  test("of a parked turn are stored if they are a summary, because it is paid for", async () => {
    const { writer, live } = await writerOf();
    const written = writer.store([one.compaction(0, "so far")]);
    live.park();
    await expect(written).rejects.toMatchObject({ kind: "shutting_down" });
    const [, ...rest] = await store.read("c");
    expect(rest).toMatchObject([{ type: "compaction", summary: "so far" }]);
  });

  test("of a parked turn whose answer broke off are only its cost, because it is asked for again", async () => {
    const { writer, live } = await writerOf();
    live.park();
    const written = writer.store([{ ...one.answer("so f"), interrupted: true }, one.end()]);
    await expect(written).rejects.toMatchObject({ kind: "shutting_down" });
    const [, ...rest] = await store.read("c");
    expect(rest).toMatchObject([{ type: "assistant_message", interrupted: true, message: { content: "" } }]);
  });

  test("of a parked turn whose log is full are asked for again, too", async () => {
    const { writer, live } = await writerOf();
    live.park();
    store.appendAll = async () => {
      throw new StoreError("full", "the disk is full");
    };
    const written = writer.store([{ ...one.answer("so f"), interrupted: true }]);
    await expect(written).rejects.toMatchObject({ kind: "shutting_down" });
  });

  test("are stored together and then shown, if they come in one tick or while the log is being written to", async () => {
    const { writer, shown } = await writerOf();
    await Promise.all([
      writer.store([one.result("a", "x")]),
      Promise.resolve().then(() => writer.store([one.result("b", "y")])),
    ]);
    expect(writes).toEqual([["tool_result", "tool_result"]]);
    const append = store.appendAll;
    let written = () => {};
    store.appendAll = async (...values) => {
      await new Promise<void>((resolve) => {
        written = resolve;
      });
      return append(...values);
    };
    const first = writer.store([one.result("c", "z")]);
    await new Promise(setImmediate);
    const rest = [writer.store([one.result("d", "z")]), writer.store([one.result("e", "z")])];
    expect(shown).toHaveLength(2);
    written();
    await first;
    expect(shown).toHaveLength(3);
    await new Promise(setImmediate);
    written();
    await Promise.all(rest);
    expect(writes.slice(1)).toEqual([["tool_result"], ["tool_result", "tool_result"]]);
    expect(shown.map((event) => "seq" in event && event.seq)).toEqual([2, 3, 4, 5, 6]);
  });

  test("are neither stored nor shown when another process has taken over the turn in the middle of a hop", async () => {
    const { writer, shown, log } = await writerOf();
    await writer.store([one.answer("", calls("a", "b")), ...calls("a", "b").map(one.planned), one.sent("a")]);
    await store.turns.bury("a", Number.MAX_SAFE_INTEGER);
    await store.turns.acquire("c", "turn_1", "b");
    const value = { type: "answer", turnId: "turn_1", questionId: "q", value: true } as const;
    const both = [writer.store([one.result("a", "x")]), writer.store([value])];
    for (const stored of both) await expect(stored).rejects.toMatchObject({ kind: "fenced" });
    expect(writer.stop()).toEqual([one.result("a", "x"), value]);
    writer.show({ type: "text_delta", delta: "late" });
    await expect(writer.store([one.result("b", "x")])).rejects.toMatchObject({ kind: "fenced" });
    expect(shown).toHaveLength(4);
    expect(log).toEqual(await store.read("c", 2));
  });

  test("are kept if the log refuses them, and stored once when it takes them", async () => {
    const { writer, shown } = await writerOf({ repetitions: 2 });
    const append = store.appendAll;
    let refusals = 2;
    store.appendAll = async (...values) => {
      if (refusals-- > 0) throw new StoreError("full", "the disk is full");
      return append(...values);
    };
    await Promise.all([writer.store([one.answer("paid")]), writer.store([one.end()])]);
    expect(shown.map(({ type }) => type)).toEqual(["assistant_message", "turn_end"]);
    expect(await store.read("c")).toHaveLength(3);
  });

  test("are dropped after one that could not be stored", async () => {
    const { writer, shown } = await writerOf();
    const append = store.appendAll;
    store.appendAll = async () => {
      throw new StoreError("full", "the disk is full");
    };
    await expect(writer.store([one.sent("a")])).rejects.toMatchObject({ kind: "full" });
    store.appendAll = append;
    await expect(writer.store([one.result("a", "x")])).rejects.toMatchObject({ kind: "full" });
    expect(shown).toEqual([]);
    expect(await store.read("c")).toHaveLength(1);
  });
});

describe("a hop", () => {
  const asked = [
    { name: "s__echo", arguments: { n: 1 } },
    { name: "s__echo", arguments: '{"broken' },
  ];

  const ask = async (
    approval: "ask" | "auto",
    work: (session: Session) => Promise<unknown> = (session) => collect(prompt(session, approval)),
  ) => {
    await using llm = await startLlmServer([toolCalls(asked), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    const settings = { llm: app.orchestrator.llm, defaults: app.config.chat.service };
    const sessions = new Sessions({
      store,
      join: joining(store),
      observe: () => {},
      hub: app.hub,
      settings: () => settings,
      newId,
      project: "p",
      now: Date.now,
    });
    const session = sessions.open("c");
    const stop = session.turns.listen((event) => {
      if (event.type === "question") session.answer(event.questionId, true);
    });
    await work(session);
    stop();
    await sessions.close();
  };

  const prompt = (session: Session, approval: "ask" | "auto") =>
    session.prompt({ requestId: "r", text: "go", approval });

  test("is stored in one write before anything is sent, and in another one when it has ended", async () => {
    await ask("auto");
    expect(writes).toEqual([
      ["assistant_message", "tool_call", "tool_call", "tool_result", "tool_sent"],
      ["tool_result"],
      ["assistant_message", "turn_end"],
    ]);
  });

  test("is stored as far as it has got before a person is asked", async () => {
    await ask("ask");
    expect(writes).toEqual([
      ["assistant_message", "tool_call", "tool_call", "question", "tool_result"],
      ["answer"],
      ["tool_sent"],
      ["tool_result"],
      ["assistant_message", "turn_end"],
    ]);
  });

  test("with a question that was stored without an acknowledgement asks it when the turn continues", async () => {
    const append = store.appendAll;
    store.appendAll = async (conversationId, events, grant) => {
      const stored = await append(conversationId, events, grant);
      if (!events.some(({ type }) => type === "question")) return stored;
      throw new StoreError("write", "the database has gone away");
    };
    await ask("ask", async (session) => {
      await expect(collect(prompt(session, "ask"))).rejects.toMatchObject({ kind: "write" });
      await collect(prompt(session, "ask"));
    });
    const events = await store.read("c");
    expect(events.filter(({ type }) => type === "question")).toHaveLength(1);
    expect(events.find(({ type }) => type === "answer")).toMatchObject({ value: true });
  });
});
