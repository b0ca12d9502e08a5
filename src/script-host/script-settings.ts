/** What a script says about its host, in the shape of config.yaml and at its place in the script. */
import type { Source } from "../core/source.js";
import { isMapping, type Mapping } from "../core/tree.js";
import { SCRIPTED, type Script } from "../frontends/script/script.js";

/** To be laid over the configuration. Conversations are in memory unless the script has a place for them. `model`: as it is named. */
export function settingsOf(script: Script, model = script.model): Source {
  const { source, mcpServers, limits } = script;
  const { tokens, usd } = limits;
  const config = model === SCRIPTED ? { ...script.config, llm: withScripted(script.config.llm) } : script.config;
  const chat = isMapping(config.chat) ? config.chat : {};
  const storage = chat.storage ?? { driver: "memory" };
  const conversation = { ...(tokens !== undefined && { tokens }), ...(usd !== undefined && { usd }) };
  const given = isMapping(chat.limits) ? chat.limits : {};
  const bounded = { ...given, conversation: { ...(given.conversation as Mapping | undefined), ...conversation } };
  const tree = { ...config, chat: { ...chat, storage, limits: bounded }, ...(mcpServers && { mcpServers }) };
  return {
    ...source,
    tree,
    position: (pointer, part) =>
      source.position(pointer.startsWith("/mcpServers") ? pointer : `/config${pointer}`, part),
  };
}

/** The scripted model is a provider of its own, which costs nothing unless the script has prices for it. */
function withScripted(llm: unknown): Mapping {
  const given = isMapping(llm) ? llm : {};
  const { providers, prices } = given as { providers?: Mapping; prices?: Mapping };
  return {
    ...given,
    active: SCRIPTED,
    providers: { ...providers, [SCRIPTED]: { model: SCRIPTED, ...(providers?.[SCRIPTED] as Mapping | undefined) } },
    prices: { [`${SCRIPTED}/${SCRIPTED}`]: { input: 0, output: 0 }, ...prices },
  };
}

/** What a replay takes from these settings: its log is in memory and its measurements stay in the process. */
export function offline(settings: Source): Source {
  const { chat } = settings.tree;
  const storage = { driver: "memory" };
  return {
    ...settings,
    tree: {
      ...settings.tree,
      chat: { ...(isMapping(chat) ? chat : {}), storage },
      telemetry: { enabled: false },
    },
  };
}
