/** Which wire a provider is spoken to by, and what chose it. */
import type { ProviderConfig, WireName } from "../../core/config.js";
import { presetOf } from "./presets.js";

interface WireChoice {
  wire: WireName;
  /** What chose it, as messages name it: a key of the configuration, the preset, the model. */
  by: string;
}

/**
 * The configuration's wire, else the preset's where requests go to the preset's address. What is only known by its `base_url` is a
 * gateway or a server of one's own, which speaks Chat Completions at least. `playedPath`: of the requests that a tape has answers for.
 */
export function chooseWire(name: string, own: ProviderConfig, model: string, playedPath?: string): WireChoice {
  if (playedPath !== undefined) return { wire: wireOfPath(playedPath), by: "what is played" };
  const key = `llm.providers.${name}`;
  if (own.wire) return { wire: own.wire, by: `${key}.wire` };
  const isAtAzure = name === "azure" || isAzure(own.baseUrl ?? "");
  const preset = presetOf(isAtAzure ? "azure" : name);
  const { wire = "chat" } = preset ?? {};
  if (!isAtAzure && own.baseUrl !== undefined && !isSameUrl(own.baseUrl, presetAddress(name, wire), wire))
    return { wire: "chat", by: preset ? `${key}.base_url, which is not the preset's` : "default" };
  if (isAtAzure && /^\d/.test(own.apiVersion ?? ""))
    return { wire: "chat", by: `${key}.api_version, which is of Azure's API for one deployment` };
  if (isAtAzure && /\/deployments\/|[?&]api-version=\d/.test(own.baseUrl ?? ""))
    return { wire: "chat", by: `${key}.base_url, which is of Azure's API for one deployment` };
  // OpenAI's Responses take no sound.
  if (wire === "responses" && /\baudio\b/.test(model)) return { wire: "chat", by: "the model, which is for sound" };
  if (!preset) return { wire: "chat", by: "default" };
  return { wire, by: `the preset ${isAtAzure ? "azure" : name}` };
}

/** The wire of a recorded request. */
function wireOfPath(path: string): WireName {
  if (path.endsWith("/responses")) return "responses";
  if (path.endsWith("/messages")) return "messages";
  return /:(stream)?generateContent$/i.test(path) ? "gemini" : "chat";
}

/** The address of a preset: Gemini's own API has another one than its Chat Completions. */
export function presetAddress(name: string, wire: WireName): string | undefined {
  const { baseUrl, chatBaseUrl } = presetOf(name) ?? {};
  return wire === "chat" ? (chatBaseUrl ?? baseUrl) : baseUrl;
}

/** Hosts of Azure's endpoints, as its portal shows them. */
export function isAzure(baseUrl: string): boolean {
  return /^https?:\/\/[^/?]+\.(openai|cognitiveservices|services\.ai)\.azure\.(com|us|cn)([:/?]|$)/i.test(baseUrl);
}

/** Clients of Messages are given the address without its version, and add that by themselves. */
function isSameUrl(own: string, preset: string | undefined, wire: WireName): boolean {
  const path = own.replace(/\/+$/, "");
  return path === preset || (wire === "messages" && `${path}/v1` === preset);
}
