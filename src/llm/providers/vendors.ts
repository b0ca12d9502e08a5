/** Differences of vendors. A vendor is found by its host, whatever the provider is called; a preset by the provider's name. */

import type { ProviderConfig, WireName } from "../../core/config.js";

export interface Vendor {
  hosts: RegExp;
  /** Models that the vendor does not serve over a wire, according to its documentation of 2026-11. */
  unserved?: readonly Unserved[];
  /** True if `messages` has the key as a bearer token. */
  bearer?: true;
  /** Quirks of the wire `responses`. */
  responses?: { [quirk in "store" | "encryptedReasoning" | "cacheKey" | "obfuscates" | "lateTools"]?: false } & {
    summaries?: "refused";
  };
  /** Header that has the key on the wires of OpenAI's APIs, if it is not a bearer token. */
  keyHeader?: string;
  /** Name of the preset that holds for every provider of this vendor. Set if each customer has an address of its own. */
  preset?: string;
  /** Returns the setting that chooses an older API, which has only Chat Completions. */
  olderApi?(own: ProviderConfig): string | undefined;
  /** Returns the part of the path that `base_url` lacks, and the version in the query. */
  urlParts?(path: string, model: string, endpoint: string, version: string): { rest: string; version: string };
}

interface Unserved {
  wire: WireName;
  /** Default: all models. */
  models?: RegExp;
  /** Reason, as a predicate without its subject: "takes tools through Responses only". */
  why?: string;
  /** With this effort of reasoning, the models are served. */
  unlessEffort?: string;
  /** The wire that serves the models. Absent if no wire does. */
  by?: WireName;
}

const sound: Unserved = {
  wire: "responses",
  models: /\baudio\b/,
  why: "takes and makes sound through Chat Completions only",
  by: "chat",
};

/**
 * Models that OpenAI's own API and Azure serve only through Responses, fully or for requests with tools. Gateways accept Chat Completions
 * for them and translate. Sources: error messages quoted in BerriAI/litellm PR#34569 and openai-openapi#541 (2026-03 to 2026-11).
 */
const byResponses = [
  { models: /^(o1|o3|gpt-5(\.\d)?)-pro\b|^gpt-[5-9](\.\d)?-codex\b/, why: "is served through Responses only" },
  { models: /^gpt-6-astra\b|^gpt-6\.\d-/, why: "takes tools through Responses only" },
  {
    models: /^gpt-(5\.6|6)-/,
    why: "takes tools through Chat Completions only without reasoning (reasoning_effort: none)",
    unlessEffort: "none",
  },
].map((row): Unserved => ({ ...row, wire: "chat", by: "responses" }));

const isDate = (version: string) => /^\d/.test(version);

const azure: Vendor = {
  hosts: /\.(openai|cognitiveservices|services\.ai)\.azure\.(com|us|cn)$/,
  unserved: byResponses,
  keyHeader: "api-key",
  preset: "azure",
  olderApi({ baseUrl = "", apiVersion = "" }) {
    if (isDate(apiVersion)) return "api_version";
    return /\/deployments\/|[?&]api-version=\d/.test(baseUrl) ? "base_url" : undefined;
  },
  urlParts(path, model, endpoint, asked) {
    // Only Chat Completions have dated versions. All other endpoints belong to Azure's v1 API, which takes no date.
    const version = endpoint !== "/chat/completions" && isDate(asked) ? "" : asked;
    const below = path.replace(/^https?:\/\/[^/]+/i, "");
    const prefix = below.endsWith("/openai") ? "" : "/openai";
    if (/\/openai\/(v1|deployments\/.+)$/.test(below)) return { rest: "", version };
    if (isDate(version)) return { rest: `${prefix}/deployments/${encodeURIComponent(model)}`, version };
    return { rest: below === "" || prefix === "" ? `${prefix}/v1` : "", version };
  },
};

const vendors: readonly Vendor[] = [
  azure,
  { hosts: /\bapi\.openai\.com$/, unserved: [{ wire: "messages", by: "responses" }, ...byResponses] },
  { hosts: /^api\.anthropic\.com$/, unserved: [{ wire: "responses", by: "messages" }] },
  { hosts: /^generativelanguage\.googleapis\.com$/, unserved: [{ wire: "responses", by: "gemini" }] },
  {
    hosts: /^api\.groq\.com$/,
    unserved: [{ wire: "messages", by: "chat" }],
    // Source: "unsupported features" in console.groq.com/docs/responses-api.
    responses: { store: false, encryptedReasoning: false, cacheKey: false, summaries: "refused" },
  },
  // OpenRouter answers "Invalid Responses API request" to anything it does not know.
  { hosts: /\bopenrouter\.ai$/, bearer: true, responses: { obfuscates: false, lateTools: false } },
  {
    hosts: /^api\.deepseek\.com$/,
    unserved: [{ wire: "messages", models: /^claude/i, why: "is a model of DeepSeek's own there, without notice" }],
  },
  {
    hosts: /^api\.x\.ai$/,
    unserved: [{ wire: "messages", why: "is better served through Responses: xAI gives up Messages", by: "responses" }],
  },
  { hosts: /\b(z\.ai|bigmodel\.cn)$/, bearer: true, unserved: [{ wire: "responses", by: "chat" }] },
  { hosts: /\bfireworks\.ai$/, bearer: true, unserved: [{ wire: "responses", by: "messages" }] },
  { hosts: /\b(minimaxi?\.(io|com)|aliyuncs\.com|moonshot\.(ai|cn))$/, bearer: true },
];

/**
 * Returns the vendor behind a provider. Undefined for a gateway, a server of the user's own, and an unknown vendor. Only Azure's addresses
 * have versions. A provider called `azure` is Azure at any address, because a customer may have a gateway in front of it.
 */
export function vendorOf(name: string, { baseUrl = "", apiVersion }: ProviderConfig): Vendor | undefined {
  if (name === azure.preset || apiVersion !== undefined) return azure;
  const host = URL.canParse(baseUrl) ? new URL(baseUrl).hostname : "";
  return vendors.find(({ hosts }) => hosts.test(host));
}

/** Returns why the provider's wire cannot serve the model at all, or cannot serve it with tools. Undefined if nothing is known. */
export function unservedBy(
  { vendor, wire, reasoning }: { vendor?: Vendor; wire: WireName; reasoning?: Record<string, unknown> },
  model: string,
): Unserved | undefined {
  return [...(vendor?.unserved ?? []), sound].find(
    (row) =>
      row.wire === wire &&
      (row.models ?? /./).test(model) &&
      (row.unlessEffort === undefined || row.unlessEffort !== reasoning?.effort),
  );
}
