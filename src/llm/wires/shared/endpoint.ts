import type { Provider } from "../../providers/providers.js";

/** URL of an endpoint below `base_url`, which may carry a query (`?api-version=…`): that stays at the end. `endpoint`: `/chat/completions`. */
export function endpointUrl(
  { baseUrl, apiVersion, quirks }: Pick<Provider, "baseUrl" | "apiVersion" | "quirks">,
  model: string,
  endpoint: string,
): string {
  const [, path = "", query = ""] = /^([^?]*?)\/*(\?.*)?$/.exec(baseUrl) ?? [];
  const isAzure = quirks.keyHeader === "api-key";
  // Azure has a version for each day's API of Chat Completions; all else is part of its v1 API, which needs none.
  const used = isAzure && endpoint !== "/chat/completions" && /^\d/.test(apiVersion ?? "") ? undefined : apiVersion;
  const version = used ? `${query ? "&" : "?"}api-version=${encodeURIComponent(used)}` : "";
  const azure = isAzure ? azurePath(path, model, used) : "";
  return `${path}${azure}${endpoint}${query}${version}`;
}

/** What `base_url` leaves out: the deployment, which a dated `api_version` wants in the URL, or the v1 API, which needs no version. */
function azurePath(path: string, model: string, apiVersion = ""): string {
  const below = path.replace(/^https?:\/\/[^/]+/i, "");
  if (/\/openai\/(v1|deployments\/.+)$/.test(below)) return "";
  const prefix = below.endsWith("/openai") ? "" : "/openai";
  if (/^\d/.test(apiVersion)) return `${prefix}/deployments/${encodeURIComponent(model)}`;
  return below === "" || prefix === "" ? `${prefix}/v1` : "";
}
