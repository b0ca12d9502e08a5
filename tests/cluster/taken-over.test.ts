import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { ChatStore } from "../../src/core/chat-store.js";
import type { QuestionEvent } from "../../src/core/events.js";
import { newId } from "../../src/core/ids.js";
import { openStore } from "../../src/log/open.js";
import { Sessions } from "../../src/session/sessions.js";
import { until } from "../session/desk.js";
import { collect, fixtureServer, isStored, startApp } from "../support/app.js";
import { joining } from "../support/cluster.js";
import { answer, stall, startLlmServer, stream, toolCalls } from "../support/llm-server.js";
import { Signal } from "../support/signal.js";

const leaseMs = 400;
/** Limit of the wait for the end of a turn, in ms. */
const longestMs = 10_000;
const request = { requestId: "r", text: "go" };

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "taken-over-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Starts two processes on one log; `close` ends both. `a` uses the log through `frozen`. */
async function twoOn(llmUrl: string, frozen = (store: ChatStore) => store) {
  const app = await startApp({ llm: llmUrl, mcpServers: { s: fixtureServer() } });
  const stores: ChatStore[] = [];
  const sessionsOf = async (nodeId: string, seen: (store: ChatStore) => ChatStore) => {
    const storage = { driver: "sqlite", path: join(folder, "log.db"), durability: "normal" } as const;
    const store = await openStore(storage, { now: Date.now, observe: () => {} });
    stores.push(store);
    const seenStore = seen(store);
    return new Sessions({
      store: seenStore,
      join: joining(seenStore, { nodeId, leaseMs }),
      observe: () => {},
      hub: app.hub,
      settings: () => ({ llm: app.orchestrator.llm, defaults: app.config.chat.service }),
      newId,
      project: "p",
      now: Date.now,
    });
  };
  const a = await sessionsOf("a", frozen);
  const b = await sessionsOf("b", (store) => store);
  const close = async () => {
    await a.close();
    await b.close();
    for (const store of stores) await store.close();
    await app[Symbol.asyncDispose]();
  };
  return { a, b, close, bury: () => stores[0]?.turns.bury("a", Number.MAX_SAFE_INTEGER) };
}

/** Returns a wrapper of the store. All calls through it stop when the first lease is acquired, until `thaw` is called. */
function freezing(): { frozen: (store: ChatStore) => ChatStore; isFrozen: Promise<void>; thaw: () => void } {
  const [ice, cold] = [new Signal(), new Signal()];
  let still = Promise.resolve();
  const through = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, name) {
        const member: unknown = Reflect.get(target, name);
        if (name === "turns") return through(member as object);
        if (typeof member !== "function") return member;
        return async (...values: unknown[]) => {
          await still;
          const found: unknown = await member.apply(target, values);
          if (name === "acquire" && found) {
            still = ice.given;
            cold.give();
          }
          await still;
          return found;
        };
      },
    });
  return { frozen: through, isFrozen: cold.given, thaw: ice.give };
}

/** Returns a wrapper of the store. After `die`, no event is stored through it until `wake` is called. */
function storingNothing(): { dying: (store: ChatStore) => ChatStore; die: () => void; wake: () => void } {
  const sleep = new Signal();
  let alive = Promise.resolve();
  const dying = (store: ChatStore) =>
    new Proxy(store, {
      get(_, name) {
        const member: unknown = Reflect.get(store, name);
        if (typeof member !== "function") return member;
        return async (...values: unknown[]) => {
          if (name === "appendAll") await alive;
          return member.apply(store, values);
        };
      },
    });
  const die = () => {
    alive = sleep.given;
  };
  return { dying, die, wake: sleep.give };
}

test(
  "a turn that another process ended while the log did not answer here is shown to its end and not run again",
  async () => {
    await using llm = await startLlmServer([answer("once")]);
    const { frozen, isFrozen, thaw } = freezing();
    const { a, b, close } = await twoOn(llm.url, frozen);
    const mine = await a.open("c").submit(request);
    await isFrozen;
    const theirs = await collect(b.open("c").prompt(request));
    thaw();
    expect((await collect(mine.watch())).filter((event) => !isStored(event) || event.type === "turn_end")).toEqual([
      theirs.at(-1),
    ]);
    expect((await a.open("c").submit(request)).cached).toBe(true);
    expect(llm.requests).toHaveLength(1);
    await close();
  },
  longestMs,
);

test(
  "a turn that was taken over and ended at once, because its process is known to be dead, is not waited for here",
  async () => {
    await using llm = await startLlmServer([answer("once")]);
    const { frozen, isFrozen, thaw } = freezing();
    const { a, b, close, bury } = await twoOn(llm.url, frozen);
    const mine = await a.open("c").submit(request);
    await isFrozen;
    await bury();
    const end = (await collect(b.open("c").prompt(request))).at(-1);
    thaw();
    expect(await collect(mine.watch())).toContainEqual(end);
    expect((await a.open("c").submit(request)).cached).toBe(true);
    expect(llm.requests).toHaveLength(1);
    await close();
  },
  longestMs,
);

test.each(["there", "here"])(
  "a turn that was taken over while it asked a person still asks, and ends here as it does on the other host, answered %s",
  async (where) => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: { n: 1 } }]), answer("allowed")]);
    const { a, b, close, bury } = await twoOn(llm.url);
    const ask = { ...request, approval: "ask" as const };
    const mine = await a.open("c").submit(ask);
    await until(mine.watch(), "question");
    await bury();
    const theirs = await b.open("c").submit(ask);
    const { questionId } = (await until(theirs.watch(), "question")).at(-1) as QuestionEvent;
    await until(mine.watch(), "discard");
    const isFirst =
      where === "here" ? a.open("c").answer(questionId, true) : b.open("c").control.answerAnywhere(questionId, true);
    expect(await isFirst).toBe(true);
    const all = await collect(theirs.watch());
    expect(all.find(({ type }) => type === "tool_result")).toMatchObject({ isError: false });
    expect((await collect(mine.watch())).at(-1)).toEqual(all.at(-1));
    expect((await a.open("c").submit(ask)).cached).toBe(true);
    await close();
  },
  longestMs,
);

test(
  "a turn that was taken over while the model was silent ends here as it does on the other host",
  async () => {
    await using llm = await startLlmServer([stream([stall]), answer("spoken")]);
    const { a, b, close, bury } = await twoOn(llm.url);
    const mine = await a.open("c").submit({ ...request, streaming: true });
    await llm.received(1);
    await bury();
    const end = (await collect(b.open("c").prompt(request))).at(-1);
    expect((await collect(mine.watch())).at(-1)).toEqual(end);
    await close();
  },
  longestMs,
);

test(
  "a confirmed cancel takes effect even if the host that runs the turn is lost right after it",
  async () => {
    await using llm = await startLlmServer([stream([stall])]);
    const { dying, die, wake } = storingNothing();
    const { a, b, close, bury } = await twoOn(llm.url, dying);
    const mine = await a.open("c").submit({ ...request, streaming: true });
    await llm.received(1);
    die();
    expect(await a.cancel("c", "r")).toBe(true);
    await bury();
    const end = (await collect(b.open("c").prompt(request))).at(-1);
    expect(end).toMatchObject({ type: "turn_end", stopReason: "cancelled" });
    wake();
    expect((await collect(mine.watch())).at(-1)).toEqual(end);
    expect(llm.requests).toHaveLength(1);
    await close();
  },
  longestMs,
);
