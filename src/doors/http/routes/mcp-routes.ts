/** Routes for MCP over Streamable HTTP. The messages have MCP's own schema. The code for MCP is loaded when the first client connects. */
import { loadOnce } from "../../../core/files/load-once.js";
import { isWritable, parseJson } from "../../../core/json.js";
import type { McpHttp, McpHttpOptions } from "../../mcp/http.js";
import type { McpParts } from "../../mcp/mcp-parts.js";
import type { ApiCall, ApiRoute } from "../shared/api.js";

export interface McpDoor {
  routes: ApiRoute[];
  close(): Promise<void>;
}

/** Parses a message. Returns undefined if `McpHttp` has to refuse it: it is not JSON, has too many values or is nested too deeply. */
function parsed(text: string): unknown {
  const message = parseJson(text);
  return isWritable(message) ? message : undefined;
}

export function mcpDoor(parts: McpParts, options: McpHttpOptions): McpDoor {
  let loaded: McpHttp | undefined;
  const http = loadOnce(async () => {
    const { McpHttp } = await import("../../mcp/http.js");
    loaded = new McpHttp(parts, options);
    return loaded;
  });
  const answer = async (call: ApiCall) => {
    const { url, method, headers } = call.request;
    const text = method === "POST" ? await call.text() : undefined;
    return (await http()).answer(new Request(url, { method, headers, body: text }), {
      message: text && parsed(text),
      chars: text?.length ?? 0,
    });
  };
  const summaries = {
    POST: "MCP over Streamable HTTP: a message of a client; initialize begins a session",
    GET: "Messages that this host sends to an MCP client unasked, as server-sent events; continues after Last-Event-ID",
    DELETE: "Ends a session of an MCP client",
  };
  return {
    routes: Object.entries(summaries).map(([method, summary]) => {
      return { method: method as ApiRoute["method"], path: "/mcp", summary, run: answer };
    }),
    close: async () => loaded?.close(),
  };
}
