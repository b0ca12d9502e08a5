/** The choice of the peer by the era of the protocol that a server speaks. No other file in this folder decides it. */
import type { ServerConfig } from "../core/config.js";
import { McpError } from "../core/errors.js";
import { clientInfo } from "./client-info.js";
import { asArray, isRecord, type Json } from "./json.js";
import { loadLegacy, loadModern } from "./lazy.js";
import { EndedByProbe, type Era, type Peer, RpcError } from "./peer.js";
import type { Route } from "./transports/route.js";
import { within } from "./wait.js";

const modernVersion = "2026-07-28";
export const unsupportedVersion = -32022;
/** Tasks: an extension now, part of the protocol before. */
const taskExtension = "io.modelcontextprotocol/tasks";
/** A legacy server may not answer an unknown method. */
const probeMs = 2000;

/** Eras that servers turned out to speak, for the life of this process. */
const verdicts = new Map<string, Era>();

/** Returns a peer that is not connected yet. Rejects with McpError, EndedByProbe, or the route's error. */
export async function peerOf(
  config: ServerConfig,
  route: Route,
  capabilities: Json,
  signal: AbortSignal,
): Promise<Peer> {
  const era = config.protocol === "auto" ? verdicts.get(keyOf(config)) : config.protocol;
  // Most servers are legacy. Their part of the SDK loads while they start and answer, not after that.
  if (era !== "modern") void loadLegacy().catch(() => {});
  const modern = { ...capabilities, extensions: { [taskExtension]: {} } };
  const discovered = era === "legacy" ? undefined : await discover(config, route, modern, { signal, era });
  if (discovered && route.modern) return (await loadModern()).modernPeer(await route.modern(), modern, discovered);
  if (config.protocol === "modern") throw new McpError("protocol", `the server does not speak MCP ${modernVersion}`);
  return (await loadLegacy()).legacyPeer(route, capabilities);
}

/** Learns from a successful start, so that even a server that did not answer the probe is not probed again. */
export function learn(era: Era, config: ServerConfig): void {
  if (config.protocol === "auto") verdicts.set(keyOf(config), era);
}

/** Learns from a failed start: a modern server may have been too slow to say so. */
export function learnFrom(error: unknown, config: ServerConfig): void {
  if (config.protocol === "auto" && isModernOnly(error)) verdicts.set(keyOf(config), "modern");
}

/** Returns the `_meta` of every message of 2026-07-28. */
export function modernMeta(capabilities: Json): Json {
  return {
    "io.modelcontextprotocol/protocolVersion": modernVersion,
    "io.modelcontextprotocol/clientInfo": clientInfo,
    "io.modelcontextprotocol/clientCapabilities": capabilities,
  };
}

/** True if the error says that the server refuses initialize. Over HTTP the code is within the text. */
export function isModernOnly(error: unknown): boolean {
  return error instanceof RpcError
    ? error.code === unsupportedVersion
    : String(error).includes(String(unsupportedVersion));
}

/** Returns a modern server's description of itself; undefined for a legacy one. */
async function discover(
  config: ServerConfig,
  route: Route,
  capabilities: Json,
  { signal, era }: { signal: AbortSignal; era: Era | undefined },
): Promise<Json | undefined> {
  const probe = {
    jsonrpc: "2.0" as const,
    id: "discover",
    method: "server/discover",
    params: { _meta: modernMeta(capabilities) },
  };
  const ask = async (limit: AbortSignal) => {
    const answer = await route.ask?.(probe, limit);
    // Asks a server once more if it lists our version after all.
    const again = versionsWanted(answer)?.includes(modernVersion);
    return again ? route.ask?.({ ...probe, id: "discover-2" }, limit) : answer;
  };
  let answer: Json | undefined;
  try {
    answer = await (era === "modern" ? ask(signal) : within(probeMs, signal, ask));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof EndedByProbe) verdicts.set(keyOf(config), "legacy");
    if (error instanceof EndedByProbe || error instanceof McpError) throw error;
  }
  if (!answer) return undefined; // no verdict: slow, or not reached
  const { result } = answer;
  if (isRecord(result) && asArray(result.supportedVersions).includes(modernVersion)) return result;
  const versions = versionsWanted(answer);
  if (versions)
    throw new McpError("protocol", `the server speaks MCP ${versions.join(", ") || "of another version"} only`);
  verdicts.set(keyOf(config), "legacy");
  return undefined;
}

/** Returns the versions that the server named when it refused ours. */
function versionsWanted(answer: Json | undefined): unknown[] | undefined {
  const error = answer?.error;
  if (!isRecord(error) || error.code !== unsupportedVersion) return undefined;
  return isRecord(error.data) ? asArray(error.data.supported) : [];
}

function keyOf(config: ServerConfig): string {
  const { transport } = config;
  return JSON.stringify(
    transport === "stdio" ? [config.command, config.args, config.cwd, config.env] : [config.url, config.headers],
  );
}
