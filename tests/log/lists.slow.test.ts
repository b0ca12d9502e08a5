import { join } from "node:path";
import { expect, test } from "@jest/globals";
import type { ChatStore } from "../../src/core/chat-store.js";
import { connect } from "../../src/log/sqlite/connection.js";
import { openSqliteStore } from "../../src/log/sqlite/store.js";
import { Retention } from "../../src/session/conversations/retention.js";
import { heldUp } from "../support/processor-time.js";
import { inFolder } from "./support.js";

const conversations = 20_000;
const mostMs = 20;

/** Makes a log of many conversations of ten events each, with a time of 1 ms after the other. */
async function withLog(work: (store: ChatStore) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const path = join(folder, "events.db");
    const store = await openSqliteStore(path, { now: Date.now, observe: () => {} });
    const db = await connect(path);
    const numbers = `WITH RECURSIVE numbers(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < ${conversations})`;
    db.exec(`INSERT INTO conversations (number, conversation_id, touched, updated_at, title, title_lower) ${numbers}
      SELECT n, 'c' || n, n, n, 'title ' || n, 'title ' || n FROM numbers`);
    db.exec(`INSERT INTO searched (entry, text) ${numbers} SELECT n << 32 | 1, 'title ' || n FROM numbers`);
    db.exec(`INSERT INTO entries ${numbers}, seqs(seq) AS (VALUES (1) UNION ALL SELECT seq + 1 FROM seqs WHERE seq < 10)
      SELECT n << 32 | seq, 't' || n, 'x', NULL, printf('%.500c', 'x'), n, seq FROM numbers, seqs`);
    db.close();
    await work(store);
    await store.close();
  });
}

test("pages, searches and retention do not block the other work of the host", () =>
  withLog(async (store) => {
    const rules = { maxAgeMs: Number.MAX_SAFE_INTEGER, maxConversations: conversations };
    const parts = { store, isOpen: () => false, now: Date.now, observe: () => {} };
    let kept = conversations;
    const works: Record<string, () => Promise<unknown>> = {
      "the start of the thread": () => store.conversations({ most: 1, text: "x" }),
      "a page": () => store.conversations({ most: 50 }),
      "a long page": () => store.conversations({ most: 1_000 }),
      "a search": () => store.conversations({ most: 50, text: "TITLE 7" }),
      "a search in vain": () => store.conversations({ most: 50, text: "nowhere" }),
      "retention with nothing to delete": () => new Retention({ ...parts, rules }).apply(),
      "retention that deletes": () => {
        kept -= 200;
        return new Retention({ ...parts, rules: { maxConversations: kept } }).apply();
      },
    };
    for (const [name, work] of Object.entries(works)) {
      // The least of six runs, because the measure counts the reader's thread too while this thread waits for a processor.
      const longest: number[] = [];
      for (let run = 0; run < 6; run++) {
        using held = heldUp();
        await work();
        longest.push(held.longestMs);
      }
      if (name !== "the start of the thread")
        expect({ name, isShort: Math.min(...longest) < mostMs }).toEqual({ name, isShort: true });
    }
    expect((await store.conversations({ most: conversations })).conversations).toHaveLength(kept);
  }));
