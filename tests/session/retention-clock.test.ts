/** Retention in logs whose times are those of this machine's clock. PostgreSQL has a clock of its own. */
import { expect, test } from "@jest/globals";
import type { ChatStore } from "../../src/core/chat-store.js";
import { openStore } from "../../src/log/open.js";
import { Retention } from "../../src/session/conversations/retention.js";
import { append, listed, turn } from "../log/support.js";
import { temporaryFolder } from "../support/mcp-hub.js";
import { newStorage } from "../support/storages.js";

const hour = 60 * 60 * 1000;
const day = 24 * hour;

/**
 * Opens a log with a clock that can be set. `deletes` applies the rules on a host that has run for `runsForMs`, and returns the conversations
 * that are left, the latest first.
 */
async function withClock(
  work: (log: {
    setDay: (days: number) => void;
    says: (conversationId: string) => Promise<void>;
    deletes: (rules: object, runsForMs?: number) => Promise<string[]>;
  }) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder();
  let time = 0;
  let count = 0;
  const now = () => time;
  const store: ChatStore = await openStore(await newStorage(folder.path), { now, observe: () => undefined });
  await work({
    setDay: (days) => {
      time = days * day;
    },
    says: async (conversationId) => {
      const turnId = `turn_${++count}`;
      await append(store, conversationId, turn(turnId).user("hello"));
      await append(store, conversationId, turn(turnId).end());
    },
    deletes: async (rules, runsForMs = hour) => {
      const parts = { store, rules: {}, isOpen: () => false, now, observe: () => undefined };
      const retention = new Retention({ ...parts, steadyNow: now });
      time -= runsForMs;
      retention.start();
      retention.close();
      time += runsForMs;
      retention.change(rules);
      await retention.apply();
      return (await listed(store)).map(({ conversationId }) => conversationId);
    },
  });
  await store.close();
}

test("messages while the clock is behind stay as long as the one before the change", () =>
  withClock(async ({ setDay, says, deletes }) => {
    for (const [each, id] of ["old", "continued", "recent"].entries()) {
      setDay(300 + 100 * each);
      await says(id);
    }
    setDay(200);
    for (const id of ["continued", "new", "single_1"]) await says(id);
    setDay(501);
    const rules = { maxAgeMs: 90 * day, singleCallsMaxAgeMs: 90 * day };
    // A host that has just started knows no time later than that of the last change.
    expect(await deletes(rules, 0)).toEqual(["single_1", "new", "continued", "recent", "old"]);
    expect(await deletes(rules)).toEqual(["single_1", "new", "continued", "recent"]);
    setDay(591);
    await says("latest");
    setDay(592);
    expect(await deletes(rules, 0)).toEqual(["latest"]);
  }));

test.each([[hour], [0]])(
  "a clock that was ahead does not affect the times of a later one that was behind, on a host that ran for %d ms",
  (runsForMs) =>
    withClock(async ({ setDay, says, deletes }) => {
      setDay(500);
      for (const id of ["continued", "other"]) await says(id);
      setDay(900);
      await says("ahead");
      setDay(300);
      for (const id of ["behind", "single_1", "continued"]) await says(id);
      setDay(501);
      await says("later");
      setDay(502);
      const rules = { maxAgeMs: 90 * day, singleCallsMaxAgeMs: 90 * day };
      expect(await deletes(rules, runsForMs)).toHaveLength(6);
      setDay(595);
      await says("latest");
      setDay(596);
      expect(await deletes(rules, runsForMs)).toEqual(["latest", "ahead"]);
    }),
);

test("a clock that is ahead at two starts deletes nothing, if a message came in between", () =>
  withClock(async ({ setDay, says, deletes }) => {
    setDay(500);
    await says("other");
    setDay(900);
    await says("ahead");
    setDay(501);
    await says("later");
    const rules = { maxAgeMs: 90 * day };
    for (const days of [900.1, 1_500]) {
      setDay(days);
      expect(await deletes(rules, 0)).toEqual(["later", "ahead", "other"]);
    }
    await says("later");
    expect(await deletes(rules, 0)).toEqual(["later", "ahead", "other"]);
  }));

test("messages after the clock was ahead are as old as their own times say", () =>
  withClock(async ({ setDay, says, deletes }) => {
    setDay(5_000);
    await says("ahead");
    setDay(300);
    await says("after");
    setDay(389);
    expect(await deletes({ maxAgeMs: 90 * day })).toEqual(["after", "ahead"]);
    setDay(391);
    expect(await deletes({ maxAgeMs: 90 * day })).toEqual(["ahead"]);
  }));
