import { expect, test } from "@jest/globals";
import type { ChatStore } from "../../src/core/chat-store.js";
import type { AssistantMessageEvent } from "../../src/core/events.js";
import { withStore } from "../support/storages.js";
import { request, turn } from "./support.js";

/** An earlier version stored whatever numbers providers reported. They must stop neither a turn nor a report. */

const always = [{ since: 0, until: 900_000 }];

/** Runs a turn with an answer for each of these amounts, of tokens and of dollars. */
async function spends(store: ChatStore, id: string, ...amounts: number[]): Promise<void> {
  const { user, answer, end } = turn(id);
  await store.claim(id, user("hello"), request("n"));
  const { fence = 0 } = (await store.turns.acquire(id, id, "n")) ?? {};
  const answers = amounts.map((amount): AssistantMessageEvent => {
    const usage = { inputTokens: amount, outputTokens: amount, cachedTokens: amount };
    return { ...answer("hi"), usage, spent: { tokens: amount, usd: amount } };
  });
  await store.appendAll(id, [...answers, end()], { fence, position: 2 });
}

test("impossible amounts of a log are left out of limits and reports, and their conversation can be deleted", () =>
  withStore(async (store) => {
    await spends(store, "good", 5);
    for (const [index, amount] of [2 ** 53, 5e18, 1e21, 1e308, -1e8].entries()) {
      await spends(store, `bad${index}`, amount, amount, 7);
    }
    expect(await store.spent({ since: 0, until: 900_000 })).toEqual({
      tokens: 40,
      usd: 40,
      unpriced: 10,
      estimated: 0,
    });
    expect(await store.usage.models(always)).toMatchObject([{ requests: 16, inputTokens: 40, usd: 40, unpriced: 10 }]);
    expect((await store.usage.conversations({ since: 0, until: 900_000 }, 10)).all).toBe(6);
    for (let index = 0; index < 5; index++) expect(await store.archive.delete(`bad${index}`)).toBe(true);
    expect(await store.usage.models(always)).toMatchObject([{ requests: 1, inputTokens: 5, usd: 5, unpriced: 0 }]);
  }));
