/** Default for the maximum number of entries in a map. There must be a limit, because callers can choose keys, such as names of models. */
const mostEntries = 1_000;

/** Sets the entry and returns its value. If the map then has more than `most` entries, drops the one added first. */
export function remember<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, most = mostEntries): Value {
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= most) break;
    map.delete(oldest);
  }
  return value;
}
