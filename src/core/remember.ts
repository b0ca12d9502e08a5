/** Limit of the entries, since callers choose the names of models. */
const mostEntries = 1_000;

/** Sets the entry and returns its value. Beyond `most` entries the one added first is dropped. */
export function remember<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, most = mostEntries): Value {
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= most) break;
    map.delete(oldest);
  }
  return value;
}
