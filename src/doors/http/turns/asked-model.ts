/** Model names that mean the configured model: `defaultModel` with the servers' tools, `plainModel` without them. */
export const defaultModel = "mcp-platform";
export const plainModel = "mcp-platform/plain";

/**
 * Returns the model for the model name in the call. `model` is undefined for the configured model. `isPlain` is true if the model gets no
 * tools of the servers.
 */
export function askedModel(name: string | null | undefined, plainModels: readonly string[]) {
  const isDefault = name === defaultModel || name === plainModel;
  const isPlain = typeof name === "string" && (name === plainModel || plainModels.includes(name));
  return { model: isDefault ? undefined : (name ?? undefined), isPlain };
}
