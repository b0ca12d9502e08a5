import { Channel } from "../core/async/channel.js";
import type { ChatEvent, LiveEvent } from "../core/events.js";
import type { Outlet } from "./outlet.js";

/**
 * Yields a turn's events one by one. `run` is called when the consumer requests the first event. The outlet's `store` resolves when the
 * consumer has taken the stored events and requests the next event. The signal `left` aborts when the consumer leaves the loop.
 */
export async function* pulled(
  run: (outlet: Outlet, left: AbortSignal) => Promise<void>,
): AsyncGenerator<ChatEvent | LiveEvent, undefined> {
  const left = new AbortController();
  const events = new Channel<{ event: ChatEvent | LiveEvent; taken?: () => void }>({
    begin: () => {
      run(outlet, left.signal).then(
        () => events.close(),
        (error: unknown) => events.close({ error }),
      );
    },
    left: () => left.abort(),
  });
  const outlet: Outlet = {
    store: (stored) =>
      new Promise((resolve) => {
        for (const event of stored) events.push({ event, ...(event === stored.at(-1) && { taken: resolve }) });
      }),
    show: (event) => events.push({ event }),
  };
  for await (const { event, taken } of events) {
    yield event;
    taken?.();
  }
}
