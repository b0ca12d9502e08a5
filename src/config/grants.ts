/** Settings of a configuration that was merely found in the working directory: those that somebody else must not choose unasked. */
import { isDeepStrictEqual } from "node:util";
import { keyPath, keys, valueAt } from "../core/tree.js";
import type { LoadedConfig } from "./load.js";
import { redactUrls } from "./redact.js";
import { configSchema, isSecret, type SchemaNode, schemaOfChild } from "./schema.js";

/**
 * What takes no right away from the user: it says how the model writes, waits or is shown, or it restricts. Whatever is not
 * here gives rights away, sends something somewhere, costs, deletes, or runs code; so does a key that is added to the schema.
 */
const HARMLESS = [
  "llm.active",
  "llm.fallback",
  "llm.stream_recovery",
  "llm.http.{timeout,connect_timeout,ttft_timeout,idle_timeout,queue_timeout,total_timeout,keepalive_expiry}",
  "llm.http.{max_retries,initial_retry_delay,max_retry_delay,max_retry_after}",
  "llm.http.{retry_multiplier,retry_jitter,retry_jitter_mode,max_keepalive_connections,max_connections}",
  "llm.providers.*.{model,temperature,top_p,max_tokens,context_window,rpm,tpm,max_concurrency}",
  "llm.providers.*.{timeout,connect_timeout,ttft_timeout,idle_timeout}",
  "llm.providers.*.reasoning.effort",
  "llm.providers.*.quirks.*",
  "chat.service.{system_prompt,tool_notifications,drain_timeout,compaction,tool_budget_tokens,result_limit_tokens}",
  "chat.service.{streaming,tool_notifications}.enabled",
  "chat.service.permissions.{ask,deny}",
  "chat.limits.turn.{tokens,usd,time,calls}",
  "chat.limits.{conversation,day}.*",
  "chat.storage.durability",
  "logging.{level,max_length}",
  "logging.modules.*",
  "mcp.remember_tools",
  "mcpServers.*.{enabled,required,lazy,timeout,max_total_timeout,startup_timeout,startup_grace,ping_interval,max_message_mb}",
  "mcpServers.*.tools.deny",
  "mcpServers.*.tools.{deny,timeouts}.*",
].map((path) => path.split(".").map((part) => (part === "*" ? undefined : part.replace(/[{}]/g, "").split(","))));

export function isHarmless(pointer: string): boolean {
  const path = keys(pointer);
  return HARMLESS.some(
    (parts) => parts.length === path.length && parts.every((names, at) => names?.includes(path[at] ?? "") ?? true),
  );
}

/** It may say anything that the environment holds, secrets too. */
const hasPlaceholder = (written: unknown): boolean => JSON.stringify(written)?.includes("${") ?? false;

/**
 * Pointers of the settings in effect that the user has to confirm. One that says what holds without it is none, so is the
 * address that a provider has anyway. Servers, and the file that lists them, are confirmed server by server.
 */
export function grants(loaded: LoadedConfig, presetUrl: (provider: string) => string | undefined): string[] {
  const isPreset = (pointer: string, written: unknown) => {
    const [llm, providers, name = "", key] = keys(pointer);
    return llm === "llm" && providers === "providers" && key === "base_url" && written === presetUrl(name);
  };
  const doubtful = [...loaded.written]
    .filter(([pointer]) => !pointer.startsWith("/mcpServers/") && pointer !== "/mcp/config_file")
    .filter(([pointer, written]) => !isHarmless(pointer) || hasPlaceholder(written))
    .filter(([pointer, written]) => !isPreset(pointer, written))
    .map(([pointer]) => pointer);
  if (doubtful.length === 0) return [];
  const { tree } = loaded.without(doubtful);
  return doubtful.filter((pointer) => !isDeepStrictEqual(valueAt(tree, pointer), valueAt(loaded.tree, pointer)));
}

/** As it is written, without a secret, and what the setting is about. */
export function describeGrant(pointer: string, { written }: LoadedConfig): string {
  let node: SchemaNode | undefined = configSchema();
  let about = "";
  for (const key of keys(pointer)) {
    node = node && schemaOfChild(node, key);
    about = node?.description ?? about;
  }
  const text = JSON.stringify(written.get(pointer)) ?? "";
  const isHidden = isSecret(pointer) && !hasPlaceholder(text) && !/^"\w+:\/\//.test(text);
  return `sets ${keyPath(pointer)} to ${isHidden ? "***" : redactUrls(text)} (${about.replace(/\.$/, "")})`;
}
