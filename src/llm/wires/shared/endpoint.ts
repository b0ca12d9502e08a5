import type { Provider } from "../../providers/providers.js";

/** Returns the URL of an endpoint, such as `/chat/completions`. A query in `base_url` (`?api-version=…`) stays at the end. */
export function endpointUrl(
  { baseUrl, apiVersion, quirks }: Pick<Provider, "baseUrl" | "apiVersion" | "quirks">,
  model: string,
  endpoint: string,
): string {
  const [, path = "", query = ""] = /^([^?]*?)\/*(\?.*)?$/.exec(baseUrl) ?? [];
  const isAzure = quirks.keyHeader === "api-key";
  // Azure dates only its API of Chat Completions; all else is part of its v1 API, which needs no version.
  const used = isAzure && endpoint !== "/chat/completions" && /^\d/.test(apiVersion ?? "") ? undefined : apiVersion;
  const version = used ? `${query ? "&" : "?"}api-version=${encodeURIComponent(used)}` : "";
  const azure = isAzure ? azurePath(path, model, used) : "";
  return `${path}${azure}${endpoint}${query}${version}`;
}

/** Returns what `base_url` leaves out: the deployment for a dated `api_version`, or the v1 API, which needs no version. */
function azurePath(path: string, model: string, apiVersion = ""): string {
  const below = path.replace(/^https?:\/\/[^/]+/i, "");
  if (/\/openai\/(v1|deployments\/.+)$/.test(below)) return "";
  const prefix = below.endsWith("/openai") ? "" : "/openai";
  if (/^\d/.test(apiVersion)) return `${prefix}/deployments/${encodeURIComponent(model)}`;
  return below === "" || prefix === "" ? `${prefix}/v1` : "";
}
