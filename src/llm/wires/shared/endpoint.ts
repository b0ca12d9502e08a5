import type { Provider } from "../../providers/providers.js";

/** Returns the URL of an endpoint such as `/chat/completions`. If `base_url` has a query (`?api-version=…`), the query stays at the end. */
export function endpointUrl(
  { baseUrl, apiVersion = "", vendor }: Pick<Provider, "baseUrl" | "apiVersion" | "vendor">,
  model: string,
  endpoint: string,
): string {
  const [, path = "", query = ""] = /^([^?]*?)\/*(\?.*)?$/.exec(baseUrl) ?? [];
  const { rest, version } = vendor?.urlParts?.(path, model, endpoint, apiVersion) ?? { rest: "", version: "" };
  const asked = version ? `${query ? "&" : "?"}api-version=${encodeURIComponent(version)}` : "";
  return `${path}${rest}${endpoint}${query}${asked}`;
}

/** Returns the header with the key, for the APIs that OpenAI has defined. */
export function keyHeader({ vendor }: Provider, key: string | undefined): Record<string, string> {
  if (!key) return {};
  return vendor?.keyHeader ? { [vendor.keyHeader]: key } : { Authorization: `Bearer ${key}` };
}
