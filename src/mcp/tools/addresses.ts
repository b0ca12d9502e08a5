/**
 * Unique resource addresses for clients that see all servers as one. If two servers use the same address, the first server's resource keeps
 * the address, and the other server's resource gets a changed address.
 */

import { isPlainObject, type JsonObject } from "../../core/json.js";
import type { SupervisedServer } from "../server/supervised-server.js";
import { ownerOf } from "./resource-owner.js";

interface Owned {
  server: SupervisedServer;
  /** Address of the resource as the server writes it. */
  uri: string;
}

export class Addresses {
  readonly #servers: readonly SupervisedServer[];
  readonly #owned = new Map<string, Owned>();
  /** Changed addresses. The first key is the server's name, the second is the address as the server writes it. */
  readonly #renamed = new Map<string, Map<string, string>>();

  constructor(servers: readonly SupervisedServer[]) {
    this.#servers = servers;
    for (const server of servers) for (const uri of listedBy(server)) this.#add({ server, uri });
    for (const server of servers) for (const uri of server.linked.uris) this.#add({ server, uri });
  }

  of(server: string, uri: string): string {
    return this.#renamed.get(server)?.get(uri) ?? uri;
  }

  owner(address: string): Owned | undefined {
    const owned = this.#owned.get(address);
    if (owned) return owned;
    const server = ownerOf(address, this.#servers);
    return server && { server, uri: address };
  }

  /**
   * Returns the result with the server's addresses replaced by the addresses for clients: in the contents, in linked and embedded
   * resources, and in the messages of the result.
   */
  in(server: string, result: JsonObject): JsonObject {
    return this.#renamed.has(server) ? (this.#renamedIn(server, result) as JsonObject) : result;
  }

  /**
   * Returns a tool's listing in which the address of the tool's page is replaced by the address for clients (in `_meta`; MCP Apps,
   * SEP-1865).
   */
  inListing(server: string, listing: JsonObject): JsonObject {
    const { _meta } = listing;
    if (!this.#renamed.has(server) || !isPlainObject(_meta)) return listing;
    const renamed = (key: string, value: unknown) => typeof value === "string" && { [key]: this.of(server, value) };
    const { ui } = _meta;
    return {
      ...listing,
      _meta: {
        ..._meta,
        ...(isPlainObject(ui) && { ui: { ...ui, ...renamed("resourceUri", ui.resourceUri) } }),
        ...renamed(flatPageKey, _meta[flatPageKey]),
      },
    };
  }

  #renamedIn(server: string, value: unknown): unknown {
    if (!isPlainObject(value)) return value;
    const inner = (each: unknown) => this.#renamedIn(server, each);
    const renamed = Object.entries(value).map(([key, field]): [string, unknown] => {
      if (key === "uri" && typeof field === "string") return [key, this.of(server, field)];
      if (key === "resource") return [key, inner(field)];
      if (key === "content" || key === "contents" || key === "messages") {
        return [key, Array.isArray(field) ? field.map(inner) : inner(field)];
      }
      return [key, field];
    });
    return Object.fromEntries(renamed);
  }

  #add({ server, uri }: Owned): void {
    const { name } = server.config;
    const known = this.#owned.get(uri);
    if (known?.server === server || this.#renamed.get(name)?.has(uri)) return;
    let address = uri;
    while (this.#owned.has(address)) address = qualified(name, address);
    this.#owned.set(address, { server, uri });
    if (address === uri) return;
    const renamed = this.#renamed.get(name) ?? new Map<string, string>();
    this.#renamed.set(name, renamed.set(uri, address));
  }
}

/** The key under which the first version of MCP Apps stores a page's address in a tool's `_meta`. */
const flatPageKey = "ui/resourceUri";

/** Returns the addresses of the server's resources and of its tools' pages. A server need not list its pages as resources. */
function listedBy({ lists }: SupervisedServer): string[] {
  const pages = lists.tools.flatMap(({ extras: { _meta } }) => {
    if (!isPlainObject(_meta)) return [];
    const { resourceUri } = isPlainObject(_meta.ui) ? _meta.ui : {};
    return [resourceUri, _meta[flatPageKey]].filter((uri) => typeof uri === "string");
  });
  return [...lists.resources.map(({ uri }) => uri), ...pages];
}

/** Returns the address with the server's name added: `ui://two/board/page` for `ui://board/page` of the server `two`. */
function qualified(server: string, uri: string): string {
  const [, scheme = "", rest = uri] = /^([a-z][a-z0-9+.-]*:(?:\/\/)?)(.*)$/is.exec(uri) ?? [];
  return `${scheme}${encodeURIComponent(server)}/${rest}`;
}
