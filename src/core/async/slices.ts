import { addAll } from "../lists/long-lists.js";

/** Time in ms after which the work pauses, so that other work of the event loop can run. */
const sliceMs = 10;

/**
 * Returns a function that long work awaits between two steps. It lets the event loop run once the work has taken `sliceMs` without a pause.
 */
export function pausesBetween(): () => Promise<void> {
  let endsAt = performance.now() + sliceMs;
  return async () => {
    if (performance.now() <= endsAt) return;
    await new Promise(setImmediate);
    endsAt = performance.now() + sliceMs;
  };
}

/** Returns the same as `Array.map`, without blocking the event loop: a conversation may have 100,000 events. */
export async function mapInSlices<Item, Mapped>(
  items: readonly Item[],
  map: (item: Item) => Mapped,
): Promise<Mapped[]> {
  const mapped: Mapped[] = [];
  const pause = pausesBetween();
  for (const item of items) {
    await pause();
    mapped.push(map(item));
  }
  return mapped;
}

/** Number of look-ups that run at the same time. Look-ups in a file block the event loop while they run. */
const concurrentLookUps = 20;

/** Returns the same as `Promise.all` over the look-ups of all items. Only a few run at the same time, so that other work can run in between. */
export async function lookUpAll<Item, Found>(
  items: readonly Item[],
  lookUp: (item: Item) => Found | Promise<Found>,
): Promise<Found[]> {
  const found: Found[] = [];
  const pause = pausesBetween();
  for (let start = 0; start < items.length; start += concurrentLookUps) {
    await pause();
    addAll(found, await Promise.all(items.slice(start, start + concurrentLookUps).map(lookUp)));
  }
  return found;
}
