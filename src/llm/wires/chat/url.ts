import type { Provider } from "../../providers/providers.js";

/** URL of the completions of a model. `base_url` may carry a query (`?api-version=…`), which stays at the end. */
export function completionsUrl(
  { baseUrl, apiVersion, quirks }: Pick<Provider, "baseUrl" | "apiVersion" | "quirks">,
  model: string,
): string {
  const [, path = "", query = ""] = /^([^?]*?)\/*(\?.*)?$/.exec(baseUrl) ?? [];
  const version = apiVersion ? `${query ? "&" : "?"}api-version=${encodeURIComponent(apiVersion)}` : "";
  const azure = quirks.keyHeader === "api-key" ? azurePath(path, model, apiVersion) : "";
  return `${path}${azure}/chat/completions${query}${version}`;
}

/** Hosts of Azure's endpoints, as its portal shows them. */
export function isAzure(baseUrl: string): boolean {
  return /^https?:\/\/[^/?]+\.(openai|cognitiveservices|services\.ai)\.azure\.(com|us|cn)([:/?]|$)/i.test(baseUrl);
}

/** What `base_url` leaves out: the deployment, which a dated `api_version` wants in the URL, or the v1 API, which needs no version. */
function azurePath(path: string, model: string, apiVersion = ""): string {
  const below = path.replace(/^https?:\/\/[^/]+/i, "");
  if (/\/openai\/(v1|deployments\/.+)$/.test(below)) return "";
  const prefix = below.endsWith("/openai") ? "" : "/openai";
  if (/^\d/.test(apiVersion)) return `${prefix}/deployments/${encodeURIComponent(model)}`;
  return below === "" || prefix === "" ? `${prefix}/v1` : "";
}
