import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { newId } from "../../src/core/ids.js";
import { createMcpServer, type McpParts } from "../../src/frontends/mcp/server.js";
import type { App } from "../../src/index.js";
import { doorParts } from "../frontends/support.js";

/** The app as the MCP door gets it. */
export function mcpParts(app: App, serve: Partial<McpParts["serve"]> = {}): McpParts {
  return {
    ...doorParts(app),
    newId,
    version: "1.0.0",
    serve: { ...app.config.mcpServe, ...serve },
    said: {},
    defaults: app.config.chat.service,
    passage: app.hub.passage,
  };
}

/** The MCP door over Streamable HTTP on loopback: a server and a transport for every session. */
export async function listenMcp(parts: McpParts): Promise<AsyncDisposable & { url: string }> {
  const transports = new Map<string, StreamableHTTPServerTransport>();
  const http = createServer(async (request, response) => {
    const host = (request.headers.host ?? "").replace(/:\d+$/, "");
    if (!["127.0.0.1", "localhost", "[::1]"].includes(host)) {
      response.writeHead(403).end();
      return;
    }
    const known = transports.get(String(request.headers["mcp-session-id"]));
    if (known) return known.handleRequest(request, response);
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void transports.set(id, transport),
    });
    await createMcpServer(parts).connect(transport as never);
    return transport.handleRequest(request, response);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    async [Symbol.asyncDispose]() {
      for (const transport of transports.values()) await transport.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
