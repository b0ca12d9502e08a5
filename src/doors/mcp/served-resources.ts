import {
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ReadResourceRequestSchema,
  type ReadResourceResult,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { ServedResource } from "../../core/ports.js";
import { hidesResources, refusalOfRead } from "../../session/direct-call.js";
import { askClient, type Extra } from "./ask-client.js";
import { inProtocol } from "./in-protocol.js";
import { listedResource, listedTemplate } from "./listings.js";
import type { McpConnectionParts } from "./mcp-parts.js";

const resourceNotFound = -32002;

/** For each address that a client watches, the function that ends it. */
export type WatchedByClient = Map<string, () => void>;

/** Serves the resources of the servers to a client. `watched` receives the addresses to which the client subscribes. */
export function passResources({ host, server, rules }: McpConnectionParts, watched: WatchedByClient): void {
  const { hub } = host;
  const { mcpResults } = hub;
  const shown = () => {
    const current = rules();
    return (name: string) => !hidesResources(name, current);
  };
  /**
   * Resolves with the resource that the client may read. Rejects if there is none, if the rules forbid the read, or if the user has to be
   * asked and answers no.
   */
  const allowedResource = async (address: string, extra: Extra): Promise<ServedResource> => {
    const resource = mcpResults.resourceAt(address);
    const refusal = await refusalOfRead(resource, {
      rules: rules(),
      newCallId: () => host.newId("call"),
      ask: (question) => askClient(question, extra, server.getClientCapabilities()),
    });
    if (refusal !== undefined) throw new Error(refusal);
    return resource;
  };
  const unwatchAt = (address: string) => {
    watched.get(address)?.();
    watched.delete(address);
  };
  server.setRequestHandler(ListResourcesRequestSchema, async (_request, { signal }) => {
    await hub.offered(signal).catch(() => {});
    const resources = mcpResults.resources(shown()).map(listedResource);
    return { resources };
  });
  server.setRequestHandler(ListResourceTemplatesRequestSchema, async (_request, { signal }) => {
    await hub.offered(signal).catch(() => {});
    const resourceTemplates = mcpResults.resourceTemplates(shown()).map(listedTemplate);
    return { resourceTemplates };
  });
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params: { uri } }, extra) => {
    const { signal } = extra;
    await hub.offered(signal).catch(() => {});
    const read = () => allowedResource(uri, extra).then((resource) => resource.read(signal));
    return inProtocol(read, resourceNotFound) as Promise<ReadResourceResult>;
  });
  server.setRequestHandler(SubscribeRequestSchema, async ({ params: { uri } }, extra) => {
    const { signal } = extra;
    await hub.offered(signal).catch(() => {});
    const watch = () => allowedResource(uri, extra).then((resource) => resource.watch(signal));
    const unwatch = await inProtocol(watch, resourceNotFound);
    watched.get(uri)?.();
    watched.set(uri, unwatch);
    if (signal.aborted) unwatchAt(uri); // the client has left meanwhile
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params: { uri } }) => {
    unwatchAt(uri);
    return {};
  });
}
