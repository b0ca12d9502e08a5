/** Returns the models in Anthropic's shape: all on one page, with an unknown creation time. https://docs.claude.com/en/api/models-list */
export function modelList(ids: readonly string[]): object {
  const data = ids.map((id) => ({ type: "model", id, display_name: id, created_at: "1970-01-01T00:00:00Z" }));
  return { data, has_more: false, first_id: ids[0] ?? null, last_id: ids.at(-1) ?? null };
}
