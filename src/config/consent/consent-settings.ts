/** Decides which settings the user must confirm in a configuration that was found in the working directory. */
import { isDeepStrictEqual } from "node:util";
import { keys, valueAt } from "../../core/source/tree.js";
import type { LoadedConfig } from "../reading/load.js";

/**
 * Settings that the user need not confirm. They restrict something, or they only change how the model samples, how long the host waits, or
 * what is displayed. All other settings, including keys that are new in the schema, must be confirmed: they may grant rights, choose a
 * model or its input, send data, cost money, delete data or run code. Limits are harmless because the user's own limits still apply
 * (`restrictions.ts`).
 */
const harmless = [
  "llm.stream_recovery",
  "llm.http.{timeout,connect_timeout,ttft_timeout,idle_timeout,queue_timeout,total_timeout,keepalive_expiry}",
  "llm.http.{max_retries,initial_retry_delay,max_retry_delay,max_retry_after}",
  "llm.http.{retry_multiplier,retry_jitter,retry_jitter_mode,max_keepalive_connections,max_connections}",
  "llm.providers.*.{wire,cache,temperature,top_p,max_tokens,context_window,rpm,tpm,max_concurrency}",
  "llm.providers.*.{timeout,connect_timeout,ttft_timeout,idle_timeout}",
  "llm.providers.*.reasoning.effort",
  "llm.providers.*.quirks.*",
  "chat.service.{tool_notifications,drain_timeout,compaction,tool_budget_tokens,result_limit_tokens}",
  "chat.service.{streaming,tool_notifications}.enabled",
  "chat.service.permissions.{ask,deny}",
  "chat.limits.turn.{tokens,usd,time,calls}",
  "chat.limits.{conversation,day}.*",
  "chat.storage.durability",
  "logging.{level,max_length,format}",
  "logging.modules.*",
  "mcp.remember_tools",
  "mcpServers.*.{enabled,required,lazy,timeout,max_total_timeout,startup_timeout,startup_grace,ping_interval,max_message_mb}",
  "mcpServers.*.tools.deny",
  "mcpServers.*.tools.{deny,timeouts}.*",
].map((path) => path.split(".").map((part) => (part === "*" ? undefined : part.replace(/[{}]/g, "").split(","))));

export function isHarmless(pointer: string): boolean {
  const path = keys(pointer);
  return harmless.some(
    (parts) => parts.length === path.length && parts.every((names, at) => names?.includes(path[at] ?? "") ?? true),
  );
}

/**
 * Values that the user need not confirm, because with them the host asks more often. All other values of these settings must be confirmed.
 */
const harmlessValues: Readonly<Record<string, unknown>> = {
  "/chat/service/approval": "ask",
  "/chat/service/changed_tools": "ask",
};

/** Returns true if the value contains a placeholder. Such a value may contain any environment variable, including secrets. */
export const hasPlaceholder = (written: unknown): boolean => JSON.stringify(written)?.includes("${") ?? false;

/** A function that returns the defaults in the preset of a provider. The preset has the same name as the provider. */
export type PresetOf = (provider: string) => { baseUrl?: string; model?: string; keyVariable: string };

/**
 * Returns the pointers of the settings that are in effect and that the user must confirm. A setting that equals its default needs no
 * confirmation. A provider's `base_url` or model that equals its preset needs none either. Servers, and the setting for the file that lists
 * servers, are left out, because each server is confirmed separately.
 */
export function grants(loaded: LoadedConfig, presetOf: PresetOf): string[] {
  const doubtful = [...loaded.written]
    .filter(([pointer]) => !pointer.startsWith("/mcpServers/") && pointer !== "/mcp/config_file")
    .filter(([pointer, written]) => !isHarmless(pointer) || hasPlaceholder(written))
    .filter(([pointer, written]) => harmlessValues[pointer] !== written)
    .map(([pointer]) => pointer);
  if (doubtful.length === 0) return [];
  const { tree } = loaded.without(doubtful);
  return doubtful.filter((pointer) => {
    const otherwise = valueAt(tree, pointer) ?? presetAt(pointer, presetOf);
    return !isDeepStrictEqual(otherwise, valueAt(loaded.tree, pointer));
  });
}

function presetAt(pointer: string, presetOf: PresetOf): string | undefined {
  const [llm, providers, name = "", key] = keys(pointer);
  if (llm !== "llm" || providers !== "providers") return undefined;
  const { baseUrl, model } = presetOf(name);
  return key === "base_url" ? baseUrl : key === "model" ? model : undefined;
}
