import { setTimeout as sleep } from "node:timers/promises";
import { LinkedAbort } from "../../core/async/abort.js";
import type { ProviderCall } from "../call/call.js";
import type { Response } from "../connection/send.js";
import { retryCost } from "../limits/retry-budget.js";

/** Sends a call, and resolves with the response headers. Aborting the signal aborts only this request, not the whole call. */
type Post = (call: ProviderCall, signal: AbortSignal) => Promise<Response>;

/** Largest request that may be sent twice. A longer prompt is slow anyway, and sending it twice is too expensive. */
const maxHedgedBytes = 32 * 1024;

/**
 * Returns true if the request may be hedged: it is the first request of a short call without tools, and its provider sets `hedge_after`. A whole
 * answer in place of a stream is late by nature, so it is not hedged.
 */
export function isHedged(call: ProviderCall): boolean {
  if (call.replacesStream) return false;
  if (call.provider.hedgeAfterMs === undefined || call.sent > 0) return false;
  return call.options.request.tools.length === 0 && call.body.length <= maxHedgedBytes;
}

/**
 * Sends a call, and sends it a second time if the first byte is late. The faster answer counts; the other request is aborted. The second
 * request is sent only if the retry budget is more than half full, so that a slow provider does not get slower.
 */
export async function postHedged(call: ProviderCall, post: Post): Promise<Response> {
  const settled = new AbortController();
  const racers = [new LinkedAbort(call.options.signal), new LinkedAbort(call.options.signal)] as const;
  const first = post(call, racers[0].signal).finally(() => settled.abort());
  const wait = sleep(call.provider.hedgeAfterMs, undefined, { signal: settled.signal });
  const second = wait.then(() => postAgain(call, post, racers[1].signal));
  const responses = [first, second];
  const winner = await Promise.any(
    responses.map(async (response, index) => ({ response: await response, index })),
  ).catch(() => undefined);
  for (const [index, response] of responses.entries()) {
    if (index === winner?.index) continue;
    racers[index]?.abort();
    const discard = ({ data }: Response) => data.destroy();
    response.then(discard, () => {});
  }
  return winner?.response ?? first;
}

async function postAgain(call: ProviderCall, post: Post, signal: AbortSignal): Promise<Response> {
  const { lane } = call;
  if (call.retries > 0 || !lane?.budget.isAboveHalf) throw new Error("a second request would not help");
  using slot = lane.takeSlot(call);
  if (!slot || !lane.budget.take(retryCost)) throw new Error("no slot for a second request");
  return await post(call.hedge(slot), signal);
}
