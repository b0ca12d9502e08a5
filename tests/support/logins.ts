import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OAuthConfig, RemoteServerConfig } from "../../src/core/config.js";
import type { ContentPart } from "../../src/core/messages.js";
import type { Observation } from "../../src/core/ports.js";
import { Logins } from "../../src/mcp/auth/logins.js";
import { McpHub } from "../../src/mcp/hub.js";
import { remoteServer } from "./mcp-hub.js";
import type { OAuthServer } from "./oauth-server.js";

const root = mkdtempSync(join(tmpdir(), "mcp-platform-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
export const newFolder = () => mkdtempSync(join(root, "auth-"));

export const guarded = (server: OAuthServer, oauth: Partial<OAuthConfig> = {}): RemoteServerConfig => ({
  ...remoteServer("r", server.url, "http"),
  oauth: { grant: "authorization_code", signingAlg: "RS256", ...oauth },
});

/** Acts as a person whose browser follows every address. */
export const browse = (page: URL) => void fetch(page).then((response) => response.text());

export const logins = (config: RemoteServerConfig, folder: string, showPage: (page: URL) => void = browse) =>
  new Logins([config], { folder, showPage });

export async function hubOf(config: RemoteServerConfig, folder: string, showPage?: (page: URL) => void) {
  const log: Observation[] = [];
  const hub = new McpHub([config], { observe: (event) => log.push(event), auth: { folder, showPage } });
  hub.start();
  await hub.ready();
  const call = async (tool = "echo"): Promise<{ content: ContentPart[]; isError: boolean }> => {
    const prepared = await hub.prepare({ id: "1", name: `r__${tool}`, arguments: "{}" });
    return "refused" in prepared ? prepared.refused : prepared.send({ signal: new AbortController().signal });
  };
  return { hub, log, call, [Symbol.asyncDispose]: () => hub.close() };
}

export const grants = (server: OAuthServer) => server.seen.filter((line) => line.startsWith("POST /token"));
