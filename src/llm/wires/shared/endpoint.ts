import type { Provider } from "../../providers/providers.js";

/** Returns the URL of an endpoint such as `/chat/completions`. If `base_url` has a query (`?api-version=…`), the query stays at the end. */
export function endpointUrl(
  { baseUrl, apiVersion, quirks }: Pick<Provider, "baseUrl" | "apiVersion" | "quirks">,
  model: string,
  endpoint: string,
): string {
  const [, path = "", query = ""] = /^([^?]*?)\/*(\?.*)?$/.exec(baseUrl) ?? [];
  const isAzure = quirks.keyHeader === "api-key";
  // At Azure, only the API of Chat Completions has dated versions. All other endpoints belong to Azure's v1 API, which takes no version.
  const used = isAzure && endpoint !== "/chat/completions" && /^\d/.test(apiVersion ?? "") ? undefined : apiVersion;
  const version = used ? `${query ? "&" : "?"}api-version=${encodeURIComponent(used)}` : "";
  const azure = isAzure ? azurePath(path, model, used) : "";
  return `${path}${azure}${endpoint}${query}${version}`;
}

/**
 * Returns the part of Azure's path that `base_url` lacks: the deployment if `api_version` is a date, otherwise the prefix of the v1 API.
 */
function azurePath(path: string, model: string, apiVersion = ""): string {
  const below = path.replace(/^https?:\/\/[^/]+/i, "");
  if (/\/openai\/(v1|deployments\/.+)$/.test(below)) return "";
  const prefix = below.endsWith("/openai") ? "" : "/openai";
  if (/^\d/.test(apiVersion)) return `${prefix}/deployments/${encodeURIComponent(model)}`;
  return below === "" || prefix === "" ? `${prefix}/v1` : "";
}
