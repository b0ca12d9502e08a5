/** Default limit of a map's entries. A limit is needed because callers choose keys such as the names of models. */
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
