import type { ProviderConfig, WireName } from "../../core/config.js";
import { presetOf } from "./presets.js";
import { vendorOf } from "./vendors.js";

interface WireChoice {
  wire: WireName;
  /** The reason for the choice, as text for messages: a configuration key, the preset, the model. */
  by: string;
}

/**
 * Chooses the wire: the configured one, else the preset's wire if requests go to the preset's address, else Chat Completions. If only the
 * `base_url` of a provider is known, it is a gateway or a self-hosted server, which supports at least Chat Completions.
 */
export function chooseWire(name: string, own: ProviderConfig, model: string): WireChoice {
  const key = `llm.providers.${name}`;
  if (own.wire) return { wire: own.wire, by: `${key}.wire` };
  const vendor = vendorOf(name, own);
  const presetName = vendor?.preset ?? name;
  const preset = presetOf(presetName);
  const { wire = "chat" } = preset ?? {};
  if (!vendor?.preset && own.baseUrl !== undefined && !isSameUrl(own.baseUrl, presetAddress(name, wire), wire))
    return { wire: "chat", by: preset ? `${key}.base_url, which is not the preset's` : "default" };
  const older = vendor?.olderApi?.(own);
  if (older) return { wire: "chat", by: `${key}.${older}, which is of an API with Chat Completions only` };
  // OpenAI's Responses take no audio.
  if (wire === "responses" && /\baudio\b/.test(model)) return { wire: "chat", by: "the model, which is for sound" };
  if (!preset) return { wire: "chat", by: "default" };
  return { wire, by: `the preset ${presetName}` };
}

/** Returns a preset's address. Gemini's own API and Gemini's Chat Completions have different addresses. */
export function presetAddress(name: string, wire: WireName): string | undefined {
  const { baseUrl, chatBaseUrl } = presetOf(name) ?? {};
  return wire === "chat" ? (chatBaseUrl ?? baseUrl) : baseUrl;
}

/**
 * Returns true if both addresses are the same. For Messages, an address without version matches too: many clients of that API add the
 * version to the address themselves.
 */
function isSameUrl(own: string, preset: string | undefined, wire: WireName): boolean {
  const path = own.replace(/\/+$/, "");
  return path === preset || (wire === "messages" && `${path}/v1` === preset);
}
