/** After a slice of this length whatever else waits for the event loop gets its turn. */
const sliceMs = 20;

/** Returns what `Array.map` does, without holding the event loop: a log may have 100,000 events of one conversation. */
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
