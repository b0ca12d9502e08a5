/** Time in ms after which the work pauses, so that other work of the event loop can run. */
const sliceMs = 20;

/** Returns the same as `Array.map`, without blocking the event loop: a conversation may have 100,000 events. */
export async function mapInSlices<Item, Mapped>(
  items: readonly Item[],
  map: (item: Item) => Mapped,
): Promise<Mapped[]> {
  const mapped: Mapped[] = [];
  let endsAt = performance.now() + sliceMs;
  for (const item of items) {
    if (performance.now() > endsAt) {
      await new Promise(setImmediate);
      endsAt = performance.now() + sliceMs;
    }
    mapped.push(map(item));
  }
  return mapped;
}
