/**
 * Returns the models in Anthropic's format. All models are on one page.
 * https://docs.claude.com/en/api/models-list
 */
export function modelList(ids: readonly string[]): object {
  return { data: ids.map(modelInfo), has_more: false, first_id: ids[0] ?? null, last_id: ids.at(-1) ?? null };
}

/** Returns a model in Anthropic's format. The creation time of a model is unknown, so the epoch is returned. */
export function modelInfo(id: string): object {
  return { type: "model", id, display_name: id, created_at: "1970-01-01T00:00:00Z" };
}
