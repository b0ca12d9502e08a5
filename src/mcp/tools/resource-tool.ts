/** The host's own tool `read_resource`, with which a model reads resources. It is offered only while there are resources. */

import { messageOf } from "../../core/errors.js";
import type { JsonSchema } from "../../core/messages.js";
import { readAnnotations as annotations, readTool as tool } from "../../core/patterns/hidden-servers.js";
import { modelName } from "../../core/patterns/model-name.js";
import type { PreparedCall, ToolFacts } from "../../core/ports.js";
import { factsOf, isReadable } from "../lists/tool-facts.js";
import { errorResult } from "../protocol/result-content.js";
import type { SupervisedServer } from "../server/supervised-server.js";
import { passedMessage } from "../shared/redact-secrets.js";
import type { RegisteredTool } from "./registered-tool.js";
import { isNamed, noOwner, ownerOf } from "./resource-owner.js";

const host = "host";

const inputSchema: JsonSchema = {
  type: "object",
  properties: {
    uri: { type: "string", description: "As listed, as in a tool's result, or by one of the servers' URI templates." },
  },
  required: ["uri"],
  additionalProperties: false,
};

/**
 * Returns the tool that reads resources of these servers, as a list; the list is empty if there is nothing to read. Leaves out servers
 * whose resources must not be read.
 */
export function resourceTool(servers: readonly SupervisedServer[]): RegisteredTool[] {
  const readable = servers.filter(isReadable);
  const offering = readable.filter(
    ({ lists, linked }) => lists.resources.length > 0 || lists.templates.length > 0 || !linked.isEmpty,
  );
  if (offering.length === 0) return [];
  const templates = offering.flatMap(({ lists }) => lists.templates.map(({ uriTemplate }) => uriTemplate));
  const known = templates.length > 0 ? ` URI templates: ${templates.slice(0, 20).join(" ")}` : "";
  return [
    {
      definition: {
        name: modelName(host, tool),
        description: `Reads a resource of an MCP server by its URI.${known}`,
        inputSchema,
        server: host,
        tool,
        actsOn: offering.map(({ config }) => config.name),
        ...annotations,
      },
      prepare: (args) => prepareRead(readable, String(args.uri), args),
    },
  ];
}

/** Prepares the read of a resource. The server is chosen now and not changed later, because the policy decides about a read from it. */
function prepareRead(servers: readonly SupervisedServer[], uri: string, args: PreparedCall["arguments"]): PreparedCall {
  const owner = ownerOf(uri, servers);
  return {
    ...(owner ? factsOfRead(owner, uri) : { server: host, tool, place: host, autoApproved: false, ...annotations }),
    arguments: args,
    pin() {},
    async send({ signal }) {
      try {
        if (!owner) throw noOwner(uri);
        return { content: await owner.readResource(uri, signal), isError: false };
      } catch (error) {
        if (signal.aborted) return errorResult(`${tool} was cancelled`);
        return errorResult(`${tool} failed: ${owner ? passedMessage(error, owner.config) : messageOf(error)}`);
      }
    },
  };
}

/**
 * Returns the facts for the decision of the policy. A read counts as a call to the server that gets the request. If the server itself named
 * the address, the request reveals nothing new to the server, so the read counts as read-only. Any other address was written by the model,
 * and may carry data to the server.
 */
function factsOfRead(owner: SupervisedServer, uri: string): ToolFacts {
  const isHarmless = owner.config.trusted || isNamed(uri, owner);
  const named = { name: tool, readOnly: true, idempotent: true, openWorld: true };
  return {
    ...factsOf(owner.config, named),
    ...(isHarmless && annotations),
    hostTool: tool,
  };
}
