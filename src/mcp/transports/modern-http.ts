/** Streamable HTTP of 2026-07-28, by the SDK's v2 transport: its headers come from each message. */
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { ModernTransport } from "./route.js";

export function modernHttp(url: URL, init: { requestInit: RequestInit; fetch: FetchLike }): ModernTransport {
  return new StreamableHTTPClientTransport(url, init);
}
