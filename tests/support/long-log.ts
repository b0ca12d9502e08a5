// @ts-expect-error: plain JavaScript
import { appendTurns as appendToStore } from "../../scripts/bench/long-log.mjs";
import { openStore } from "../../src/log/open.js";

/** Appends turns to a conversation in the file of a log: `question N` with the answer `answer N …` and the end. */
export async function appendTurns(
  path: string,
  conversationId: string,
  turns: number,
  size: { chars?: number; first?: number } = {},
): Promise<void> {
  const store = await openStore({ driver: "sqlite", path }, { now: Date.now, observe: () => {} });
  await appendToStore(store, conversationId, turns, { chars: 500, ...size });
  await store.close();
}
