import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ChatEvent, StoredEvent } from "../../src/core/events.js";
import { withoutRewound } from "../../src/log/folds/rewind.js";
import { eventsByTurn } from "../../src/log/folds/turn-records.js";
import { exportConversation } from "../../src/session/export/export.js";
import { ExportedLog } from "../../src/session/export/exported-log.js";
import { joined, readerOf, stored, turn } from "../log/support.js";
import { runs } from "../support/runs.js";

async function allOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Returns a conversation of this many turns of three events. */
function longLog(turns: number): StoredEvent[] {
  return stored(
    Array.from({ length: turns }, (_, index) => turn(`turn_${index}`)).flatMap((each, index) => [
      each.user(`question ${index}`),
      each.answer(`answer ${index} ${"word ".repeat(200)}`),
      each.end(),
    ]),
  );
}

test("an export has the same turns as a fold over the whole log, however they lie in its pages", async () => {
  const step = fc.oneof(
    { weight: 20, arbitrary: fc.record({ turn: fc.nat(8), repeat: fc.integer({ min: 1, max: 90 }) }) },
    { weight: 1, arbitrary: fc.record({ rewindTo: fc.nat(1_000) }) },
  );
  const wholeLog = fc.tuple(fc.boolean(), fc.array(step, { maxLength: 30 }));
  await fc.assert(
    fc.asyncProperty(wholeLog, async ([isCopy, steps]) => {
      const fork: ChatEvent[] = isCopy ? [{ type: "fork", turnId: "fork", origins: ["c0"], toSeq: 3 }] : [];
      const events = stored([
        ...fork,
        ...steps.flatMap((step, index): ChatEvent[] => {
          if ("rewindTo" in step) return [{ type: "rewind", turnId: `rewind_${index}`, toSeq: step.rewindTo }];
          return Array.from({ length: step.repeat }, () => turn(`turn_${step.turn}`).answer("x"));
        }),
      ]);
      const log = await ExportedLog.open({ conversationId: "c", reader: readerOf(events), secrets: [] });
      const standing = new Set(withoutRewound(events));
      expect(await allOf(log.turns())).toEqual(eventsByTurn(events));
      expect(await allOf(log.events())).toEqual(events.filter((each) => each.type === "fork" || standing.has(each)));
      expect(log.origins).toEqual(isCopy ? ["c0"] : []);
    }),
    { numRuns: runs(100) },
  );
});

test("an export reads the log at the pace of its reader, and stops when the reader has gone", async () => {
  const events = longLog(2_000);
  let reads = 0;
  const reader = {
    read: (...[id, from, most]: Parameters<ReturnType<typeof readerOf>["read"]>) => {
      reads++;
      expect(most).toBeLessThanOrEqual(201);
      return readerOf(events).read(id, from, most);
    },
  };
  const pieces = exportConversation(reader, "c", { format: "md", secrets: [] });
  const { value = "" } = await pieces.next();
  expect(value.length).toBeGreaterThan(60_000);
  expect(value.length).toBeLessThan(80_000);
  const pages = events.length / 200;
  expect(reads).toBeLessThan(pages + 5);
  const before = reads;
  await pieces.return(undefined);
  expect(reads).toBe(before);
});

test.each(["md", "json", "html"] as const)("an export as %s has what was stored when it began", async (format) => {
  const events = longLog(300);
  const whole = await joined(exportConversation(readerOf([...events]), "c", { format, secrets: [] }));
  const pieces = exportConversation(readerOf(events), "c", { format, secrets: [] });
  const { value: first = "" } = await pieces.next();
  const late = turn("late");
  events.push(...stored([...events, late.user("too late"), late.end()]).slice(events.length));
  expect(first + (await joined(pieces))).toBe(whole);
});

test.each(["md", "json", "html"] as const)(
  "an export as %s fails if the conversation is deleted meanwhile",
  async (format) => {
    const events = longLog(300);
    const pieces = exportConversation(readerOf(events), "c", { format, secrets: [] });
    await pieces.next();
    events.length = 0;
    events.push(...stored(Array.from({ length: 900 }, () => turn("another").user("new"))));
    await expect(joined(pieces)).rejects.toMatchObject({ kind: "not_found" });
  },
);
