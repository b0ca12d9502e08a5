/**
 * Chooses the kind of session with a server. There is one kind for each era of the protocol: legacy and modern. No other file makes this
 * choice.
 */

import type { ServerConfig } from "../../core/config.js";
import { McpError } from "../../core/errors.js";
import { asArray, isPlainObject, type JsonObject } from "../../core/json.js";
import { within } from "../shared/wait.js";
import { loadLegacy, loadModern } from "./lazy.js";
import { isModernOnly, modernMeta, modernVersion, unsupportedVersion } from "./modern-version.js";
import type { ServerRoute } from "./server-route.js";
import { EndedByProbe, type Era, type ServerSession } from "./server-session.js";

/** Name of the extension for tasks. Before protocol 2026-07-28, tasks were part of the protocol itself. */
const taskExtension = "io.modelcontextprotocol/tasks";
/** Longest wait for the answer to the probe (`server/discover`), in ms. A legacy server may never answer a method that it does not know. */
const probeMs = 2000;

/** The era that each server was found to speak. The key is made from the server's configuration. The eras are kept in memory only. */
const verdicts = new Map<string, Era>();

/**
 * Resolves with a session in the right era, which is not connected yet. Rejects with EndedByProbe if the server exits when it is probed, with
 * McpError, or with the route's error.
 */
export async function sessionWith(
  config: ServerConfig,
  route: ServerRoute,
  capabilities: JsonObject,
  signal: AbortSignal,
): Promise<ServerSession> {
  const era = config.protocol === "auto" ? verdicts.get(keyOf(config)) : config.protocol;
  // Most servers are legacy, so the SDK's client for them is loaded in advance, while the server starts and answers the probe.
  if (era !== "modern") void loadLegacy().catch(() => {});
  const modern = { ...capabilities, extensions: { [taskExtension]: {} } };
  const discovered = era === "legacy" ? undefined : await discover(config, route, modern, { signal, era });
  if (discovered && route.modern) return (await loadModern()).modernSession(await route.modern(), modern, discovered);
  if (config.protocol === "modern") throw new McpError("protocol", `the server does not speak MCP ${modernVersion}`);
  return (await loadLegacy()).legacySession(route, capabilities);
}

/** Stores the era after a successful start. Later starts do not probe the server again, even if it did not answer the probe. */
export function learn(era: Era, config: ServerConfig): void {
  if (config.protocol === "auto") verdicts.set(keyOf(config), era);
}

/**
 * Stores that the server is modern if the error of a failed start proves this. A modern server may have been too slow to answer the probe.
 */
export function learnFrom(error: unknown, config: ServerConfig): void {
  if (config.protocol === "auto" && isModernOnly(error)) verdicts.set(keyOf(config), "modern");
}

/**
 * Probes the server, and resolves with a modern server's description of itself. Resolves with undefined if the server is legacy or has not
 * answered.
 */
async function discover(
  config: ServerConfig,
  route: ServerRoute,
  capabilities: JsonObject,
  { signal, era }: { signal: AbortSignal; era: Era | undefined },
): Promise<JsonObject | undefined> {
  const probe = {
    jsonrpc: "2.0" as const,
    id: "discover",
    method: "server/discover",
    params: { _meta: modernMeta(capabilities) },
  };
  const ask = async (limit: AbortSignal) => {
    const answer = await route.ask?.(probe, limit);
    // If the server refuses this host's version but lists it as supported, the host asks once more.
    const again = versionsWanted(answer)?.includes(modernVersion);
    return again ? route.ask?.({ ...probe, id: "discover-2" }, limit) : answer;
  };
  let answer: JsonObject | undefined;
  try {
    answer = await (era === "modern" ? ask(signal) : within(probeMs, signal, ask));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof EndedByProbe) verdicts.set(keyOf(config), "legacy");
    if (error instanceof EndedByProbe || error instanceof McpError) throw error;
  }
  if (!answer) return undefined; // the era stays unknown: the server was slow or not reached
  const { result } = answer;
  if (isPlainObject(result) && asArray(result.supportedVersions).includes(modernVersion)) return result;
  const versions = versionsWanted(answer);
  if (versions)
    throw new McpError("protocol", `the server speaks MCP ${versions.join(", ") || "of another version"} only`);
  verdicts.set(keyOf(config), "legacy");
  return undefined;
}

/**
 * Returns the supported versions that the server named when it refused this host's version. Returns undefined if the answer is not such a
 * refusal.
 */
function versionsWanted(answer: JsonObject | undefined): unknown[] | undefined {
  const error = answer?.error;
  if (!isPlainObject(error) || error.code !== unsupportedVersion) return undefined;
  return isPlainObject(error.data) ? asArray(error.data.supported) : [];
}

function keyOf(config: ServerConfig): string {
  const { transport } = config;
  if (transport === "program") return config.program;
  return JSON.stringify(
    transport === "stdio" ? [config.command, config.args, config.cwd, config.env] : [config.url, config.headers],
  );
}
