/** Time in ms after which the work pauses, so that other work of the event loop can run. */
const sliceMs = 20;

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
