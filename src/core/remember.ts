/** Callers choose the names of models: so many are remembered. */
const mostEntries = 1_000;

/** Sets the entry and returns its value. Beyond `most` entries the one that was added first is forgotten. */
export function remember<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, most = mostEntries): Value {
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= most) break;
    map.delete(oldest);
  }
  return value;
}
