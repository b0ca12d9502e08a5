/**
 * The settings that a script contains for its host, in the form of config.yaml. Errors in them are reported with their lines in the script.
 */
import { isPlainObject, type JsonObject } from "../../core/json.js";
import type { Source } from "../../core/source/source.js";
import { type Script, scriptedModel } from "../shared/script.js";

/**
 * Returns the script's settings, which override the settings of the configuration. Conversations are kept in memory unless the script sets
 * `chat.storage`. `model` is the name as the user typed it.
 */
export function settingsOf(script: Script, model = script.model): Source {
  const { source, mcpServers, limits } = script;
  const { tokens, usd } = limits;
  const config = model === scriptedModel ? { ...script.config, llm: withScripted(script.config.llm) } : script.config;
  const chat = isPlainObject(config.chat) ? config.chat : {};
  const storage = chat.storage ?? { driver: "memory" };
  const conversation = { ...(tokens !== undefined && { tokens }), ...(usd !== undefined && { usd }) };
  const given = isPlainObject(chat.limits) ? chat.limits : {};
  const bounded = { ...given, conversation: { ...(given.conversation as JsonObject | undefined), ...conversation } };
  const tree = { ...config, chat: { ...chat, storage, limits: bounded }, ...(mcpServers && { mcpServers }) };
  return {
    ...source,
    tree,
    position: (pointer, part) =>
      source.position(pointer.startsWith("/mcpServers") ? pointer : `/config${pointer}`, part),
  };
}

/** Adds a provider for the scripted model. Tokens of the scripted model cost nothing unless the script sets prices. */
function withScripted(llm: unknown): JsonObject {
  const given = isPlainObject(llm) ? llm : {};
  const { providers, prices } = given as { providers?: JsonObject; prices?: JsonObject };
  return {
    ...given,
    active: scriptedModel,
    providers: {
      ...providers,
      [scriptedModel]: { model: scriptedModel, ...(providers?.[scriptedModel] as JsonObject | undefined) },
    },
    prices: { [`${scriptedModel}/${scriptedModel}`]: { input: 0, output: 0 }, ...prices },
  };
}

/** Returns the settings for a replay: the event log in memory, and no telemetry. */
export function offline(settings: Source): Source {
  const { chat } = settings.tree;
  const storage = { driver: "memory" };
  return {
    ...settings,
    tree: {
      ...settings.tree,
      chat: { ...(isPlainObject(chat) ? chat : {}), storage },
      telemetry: { enabled: false },
    },
  };
}
