/**
 * Chooses the server from which a resource is read. A model may ask for any URI, so a server must list it, have linked to it, have a template
 * that fits, or be the first one that uses its scheme. Common schemes such as https never choose a server.
 */

import { McpError } from "../../core/errors.js";
import type { ContentPart } from "../../core/messages.js";
import type { SupervisedServer } from "../server/supervised-server.js";

/**
 * URI schemes that many servers use. For a URI with such a scheme, the scheme alone must not choose a server: a model could make any server
 * fetch or open anything.
 */
const commonScheme = /^(https?|wss?|ftp|file|data):/i;

/** Reads the resource from the server that `ownerOf` chooses. Throws McpError. */
export async function readFrom(
  servers: readonly SupervisedServer[],
  uri: string,
  signal?: AbortSignal,
): Promise<ContentPart[]> {
  const owner = ownerOf(uri, servers);
  if (!owner) throw noOwner(uri);
  return owner.readResource(uri, signal);
}

export function noOwner(uri: string): McpError {
  return new McpError("not_found", `no MCP server offers the resource ${uri}`);
}

interface Offering {
  lists: { resources: readonly { uri: string }[]; templates: readonly { uriTemplate: string }[] };
  linked: { has(uri: string): boolean };
}

/** Returns true if the server itself named this address, either in its resource list or in a tool result. */
export function isNamed(uri: string, { lists, linked }: Offering): boolean {
  return lists.resources.some((resource) => resource.uri === uri) || linked.has(uri);
}

/**
 * Returns the server that lists the URI. If no server lists it, returns a server that linked to the URI; if there is none, a server with a
 * matching template; if there is none, a server that uses the same scheme.
 */
export function ownerOf<Server extends Offering>(uri: string, servers: readonly Server[]): Server | undefined {
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(uri)?.[0];
  const hasScheme = (other: string) => scheme !== undefined && other.startsWith(scheme);
  return (
    servers.find(({ lists }) => lists.resources.some((resource) => resource.uri === uri)) ??
    servers.find(({ linked }) => linked.has(uri)) ??
    servers.find(({ lists }) => lists.templates.some(({ uriTemplate }) => fits(uri, uriTemplate))) ??
    (commonScheme.test(uri)
      ? undefined
      : servers.find(({ lists }) =>
          [
            ...lists.resources.map((listed) => listed.uri),
            ...lists.templates.map(({ uriTemplate }) => uriTemplate),
          ].some(hasScheme),
        ))
  );
}

/**
 * Returns true if the URI begins with the fixed first part of the template. That part must be longer than a scheme. The server checks the
 * rest.
 */
function fits(uri: string, template: string): boolean {
  const start = template.split("{", 1)[0] ?? "";
  return /^[a-z][a-z0-9+.-]*:(\/\/)?[^/]/i.test(start) && uri.startsWith(start);
}
