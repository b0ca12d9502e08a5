/**
 * Returns the models in Anthropic's format. All models are on one page. Their creation time is unknown, so it is the epoch.
 * https://docs.claude.com/en/api/models-list
 */
export function modelList(ids: readonly string[]): object {
  const data = ids.map((id) => ({ type: "model", id, display_name: id, created_at: "1970-01-01T00:00:00Z" }));
  return { data, has_more: false, first_id: ids[0] ?? null, last_id: ids.at(-1) ?? null };
}
