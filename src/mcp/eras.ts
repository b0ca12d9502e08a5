/** Which era of the protocol a server speaks, and the peer for it. Nothing else in this folder asks. */
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
/** Tasks, which were a part of the protocol itself before. */
const taskExtension = "io.modelcontextprotocol/tasks";
/** A legacy server may keep silent about a method that it does not know. */
const probeMs = 2000;

/** What servers turned out to speak, for the life of this process. */
const verdicts = new Map<string, Era>();

/** A peer that is not connected yet. Rejects with McpError, EndedByProbe, or what the route's errors are. */
export async function peerOf(
  config: ServerConfig,
  route: Route,
  capabilities: Json,
  signal: AbortSignal,
): Promise<Peer> {
  const era = config.protocol === "auto" ? verdicts.get(keyOf(config)) : config.protocol;
  // Most servers are older ones. What they need of the SDK loads while they start and answer, not after that.
  if (era !== "modern") void loadLegacy().catch(() => {});
  const modern = { ...capabilities, extensions: { [taskExtension]: {} } };
  const discovered = era === "legacy" ? undefined : await discover(config, route, modern, { signal, era });
  if (discovered && route.modern) return (await loadModern()).modernPeer(await route.modern(), modern, discovered);
  if (config.protocol === "modern") throw new McpError("protocol", `the server does not speak MCP ${modernVersion}`);
  return (await loadLegacy()).legacyPeer(route, capabilities);
}

/** From a start that succeeded: also a server that kept silent about the question need not be asked again. */
export function learn(era: Era, config: ServerConfig): void {
  if (config.protocol === "auto") verdicts.set(keyOf(config), era);
}

/** From a failed start: a server may have been too slow to say that it is a modern one. */
export function learnFrom(error: unknown, config: ServerConfig): void {
  if (config.protocol === "auto" && isModernOnly(error)) verdicts.set(keyOf(config), "modern");
}

/** What every message of 2026-07-28 says in its `_meta`. */
export function modernMeta(capabilities: Json): Json {
  return {
    "io.modelcontextprotocol/protocolVersion": modernVersion,
    "io.modelcontextprotocol/clientInfo": clientInfo,
    "io.modelcontextprotocol/clientCapabilities": capabilities,
  };
}

/** Whether the error says that initialize is not spoken here. Over HTTP it is text in a text. */
export function isModernOnly(error: unknown): boolean {
  return error instanceof RpcError
    ? error.code === unsupportedVersion
    : String(error).includes(String(unsupportedVersion));
}

/** What a modern server says of itself; undefined for a legacy one. */
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
    // A server that names our version after all is asked once more.
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

/** What a server wants instead that has refused our version. */
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
