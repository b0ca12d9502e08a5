/** Changes that a server of 2026-07-28 tells, each kind on a stream of its own: `subscriptions/listen`. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, ProtocolError } from "@modelcontextprotocol/client";

const firstPauseMs = 1000;
const longestPauseMs = 60_000;
const methodNotFound = -32601;

export type Filter = Parameters<Client["listen"]>[0];

interface FollowParts {
  signal: AbortSignal;
  failed(error: Error): void;
  /** The stream is open again: what changed in between was not told. */
  resumed(): void;
}

/** Opens the stream again whenever it ends, ever more patiently while it does not hold. Resolves when that is of no use. */
export async function follow(
  client: Pick<Client, "listen">,
  filter: Filter,
  { signal, failed, resumed }: FollowParts,
): Promise<void> {
  let wasOpen = false;
  for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    try {
      const subscription = await client.listen(filter, { signal });
      const openedAt = performance.now();
      if (wasOpen) resumed();
      wasOpen = true;
      if ((await subscription.closed) === "local") return;
      if (performance.now() - openedAt > longestPauseMs) pauseMs = firstPauseMs;
    } catch (error) {
      if (signal.aborted) return;
      failed(error as Error);
      if (error instanceof ProtocolError && error.code === methodNotFound) return;
    }
    await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {});
  }
}
