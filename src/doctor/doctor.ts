/** Runs all checks for which no turn is needed. Reports the configuration first, then this machine, the providers and the servers. */
import { join } from "node:path";
import { unsetBelow } from "../config/unset.js";
import type { ConfiguredServer, LlmConfig } from "../core/config.js";
import { stateFolder } from "../core/files/state-folder.js";
import { child } from "../core/source/tree.js";
import { type Configuration, configFindings } from "./config-checks.js";
import { hasFailed } from "./finding.js";
import {
  clockFinding,
  diskFinding,
  folderFinding,
  logFindings,
  nodeFinding,
  portFinding,
  tokenFinding,
} from "./host-checks.js";
import { providerSections } from "./provider-checks.js";
import type { Section } from "./section.js";
import { serverSections, toolsOfServers } from "./server-checks.js";

export interface Examined {
  configuration: Configuration;
  /** Settings of the providers. `active` is the provider that turns use. Undefined if no configuration could be loaded. */
  llm: LlmConfig | undefined;
  servers: readonly ConfiguredServer[];
  isLive: boolean;
  node: { version: string; required: string };
  /** Build time of this program, in milliseconds since the epoch. */
  builtMs: number;
  cacheFolder: string;
  /** Removes the secrets of the configuration and of the environment from a text, such as a message of a server. */
  clear(text: string): string;
  signal: AbortSignal;
}

/** Runs all checks and returns their findings. Rejects only with the signal's reason. */
export async function examine(parts: Examined): Promise<Section[]> {
  const { configuration, llm } = parts;
  const { loaded, env } = configuration;
  const first = [
    { name: "configuration", kind: "config", findings: configFindings(configuration) },
    { name: "this machine", kind: "unexpected", findings: await machineFindings(parts) },
  ];
  if (!loaded || !llm) return first.map((section) => cleared(section, parts.clear));
  const { chat } = loaded.config;
  const servers = await serverSections(parts.servers, {
    authFolder: stateFolder(env, "auth"),
    unsetOf: (name) => unsetBelow(child("/mcpServers", name), loaded, env),
    toolBudgetTokens: chat.service.toolBudgetTokens,
    clear: parts.clear,
    signal: parts.signal,
  });
  const providers = await providerSections({
    llm,
    env,
    isLive: parts.isLive,
    toolBudgetTokens: chat.service.toolBudgetTokens,
    tools: toolsOfServers(servers),
    streaming: chat.service.streaming,
    unsetOf: (name) => unsetBelow(child("/llm/providers", name), loaded, env),
    signal: parts.signal,
  });
  return [...first, ...providers, ...servers].map((section) => cleared(section, parts.clear));
}

/** Returns the error kind of the first failed section, which determines the exit code. Undefined if no section failed. */
export function failedKind(sections: readonly Section[]): string | undefined {
  return sections.find(({ findings }) => hasFailed(findings))?.kind;
}

async function machineFindings({ node, builtMs, configuration, cacheFolder }: Examined) {
  const { env, loaded } = configuration;
  const clocks = { nowMs: Date.now(), steadyMs: performance.timeOrigin + performance.now(), builtMs };
  const state = stateFolder(env, "");
  const always = [
    nodeFinding(node.version, node.required),
    clockFinding(clocks),
    folderFinding("state", state, "fail"),
    folderFinding("cache", cacheFolder, "warn"),
  ];
  if (!loaded) return [...always, diskFinding(state)];
  const { chat, serve } = loaded.config;
  const { storage } = chat;
  const isChosen = loaded.originOf("/serve/port") !== "default";
  return [
    ...always,
    diskFinding(storage.driver === "sqlite" ? join(storage.path, "..") : state),
    ...(await logFindings(storage, Date.now)),
    await portFinding(serve, isChosen),
    tokenFinding(stateFolder(env, "serve-token"), serve.token !== undefined),
  ];
}

function cleared({ findings, ...section }: Section, clear: (text: string) => string): Section {
  return {
    ...section,
    findings: findings.map(({ text, fix, ...rest }) => ({
      ...rest,
      text: clear(text),
      ...(fix && { fix: clear(fix) }),
    })),
  };
}
