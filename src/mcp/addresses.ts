/** Resource addresses for clients that see all servers as one: if two servers use the same address, each gets its own. */
import { isRecord, type Json } from "./json.js";
import { ownerOf } from "./resources.js";
import type { SupervisedServer } from "./supervised-server.js";

interface Owned {
  server: SupervisedServer;
  /** The server's own address. */
  uri: string;
}

export class Addresses {
  readonly #servers: readonly SupervisedServer[];
  readonly #owned = new Map<string, Owned>();
  /** Addresses that were changed for clients, by the server's name and its own address. */
  readonly #renamed = new Map<string, Map<string, string>>();

  /** The first server keeps an address that several use. */
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

  /** Returns the result with client addresses: of its contents, of content that it links to or embeds, and of its messages. */
  in(server: string, result: Json): Json {
    return this.#renamed.has(server) ? (this.#renamedIn(server, result) as Json) : result;
  }

  /** Returns the listing with the client address of the page in which a tool is shown (`_meta`, MCP Apps, SEP-1865). */
  inListing(server: string, listing: Json): Json {
    const { _meta } = listing;
    if (!this.#renamed.has(server) || !isRecord(_meta)) return listing;
    const renamed = (key: string, value: unknown) => typeof value === "string" && { [key]: this.of(server, value) };
    const { ui } = _meta;
    return {
      ...listing,
      _meta: {
        ..._meta,
        ...(isRecord(ui) && { ui: { ...ui, ...renamed("resourceUri", ui.resourceUri) } }),
        ...renamed(flatPageKey, _meta[flatPageKey]),
      },
    };
  }

  #renamedIn(server: string, value: unknown): unknown {
    if (!isRecord(value)) return value;
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

/** Key in a tool's `_meta`, from the first version of MCP Apps. */
const flatPageKey = "ui/resourceUri";

/** Returns the addresses of resources, and of tool pages, which need not be among the resources. */
function listedBy({ lists }: SupervisedServer): string[] {
  const pages = lists.tools.flatMap(({ extras: { _meta } }) => {
    if (!isRecord(_meta)) return [];
    const { resourceUri } = isRecord(_meta.ui) ? _meta.ui : {};
    return [resourceUri, _meta[flatPageKey]].filter((uri) => typeof uri === "string");
  });
  return [...lists.resources.map(({ uri }) => uri), ...pages];
}

/** Returns `ui://two/board/page` for `ui://board/page` of the server `two`. */
function qualified(server: string, uri: string): string {
  const [, scheme = "", rest = uri] = /^([a-z][a-z0-9+.-]*:(?:\/\/)?)(.*)$/is.exec(uri) ?? [];
  return `${scheme}${encodeURIComponent(server)}/${rest}`;
}
