/** The owner of a resource. A model may ask for any URI, so a resource is read only if a server offered it, and only from that server. */
import type { ContentPart } from "../core/chat.js";
import { McpError } from "../core/errors.js";
import type { SupervisedServer } from "./supervised-server.js";

/** Schemes that do not identify a server: with these, any server could be made to fetch or open anything. */
const commonScheme = /^(https?|wss?|ftp|file|data):/i;

/** Throws McpError. */
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

/** True if the server itself gave this address: in its list, or in a result of its tools. */
export function isNamed(uri: string, { lists, linked }: Offering): boolean {
  return lists.resources.some((resource) => resource.uri === uri) || linked.has(uri);
}

/** Returns the server that lists the URI, else one that linked to it, else one with a fitting template, else one that uses its scheme. */
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

/** Compares the literal start of the template, which must be more than a scheme. The server judges the rest. */
function fits(uri: string, template: string): boolean {
  const start = template.split("{", 1)[0] ?? "";
  return /^[a-z][a-z0-9+.-]*:(\/\/)?[^/]/i.test(start) && uri.startsWith(start);
}
