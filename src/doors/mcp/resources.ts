import {
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ReadResourceRequestSchema,
  type ReadResourceResult,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { inProtocol } from "./in-protocol.js";
import { listedResource, listedTemplate } from "./listings.js";
import type { McpConnectionParts } from "./parts.js";

const resourceNotFound = -32002;

/** Serves the resources of the servers to a client. `watched` receives the URIs to which the client subscribes. */
export function passResources({ host, server }: McpConnectionParts, watched: Set<string>): void {
  const { hub, passage } = host;
  server.setRequestHandler(ListResourcesRequestSchema, async (_request, { signal }) => {
    await hub.settled(signal).catch(() => {});
    const resources = passage.resources().map(listedResource);
    return { resources };
  });
  server.setRequestHandler(ListResourceTemplatesRequestSchema, async (_request, { signal }) => {
    await hub.settled(signal).catch(() => {});
    const resourceTemplates = passage.resourceTemplates().map(listedTemplate);
    return { resourceTemplates };
  });
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params: { uri } }, { signal }) => {
    await hub.settled(signal).catch(() => {});
    return inProtocol(() => passage.readResource(uri, signal), resourceNotFound) as Promise<ReadResourceResult>;
  });
  server.setRequestHandler(SubscribeRequestSchema, async ({ params: { uri } }, { signal }) => {
    await hub.settled(signal).catch(() => {});
    await inProtocol(() => passage.watchResource(uri, signal), resourceNotFound);
    watched.add(uri);
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params: { uri } }) => {
    watched.delete(uri);
    return {};
  });
}
