import { McpError, RpcError } from "../../core/errors.js";
import { isPlainObject, type JsonObject } from "../../core/json.js";
import { modelName } from "../../core/patterns/model-name.js";
import type { McpResults, PromptInfo, ServedResource, ServerNews } from "../../core/ports.js";
import { programOf } from "../lists/server-hash.js";
import { isReadable } from "../lists/tool-facts.js";
import type { SupervisedServer } from "../server/supervised-server.js";
import { passedError, redactor } from "../shared/redact-secrets.js";
import { Addresses } from "./addresses.js";
import { findPrompt, namedPrompts } from "./prompts.js";
import { noOwner } from "./resource-owner.js";

/** The servers' lists and results in the format of MCP, for front doors that speak MCP. */
export class ServerMcpResults implements McpResults {
  readonly #servers: () => readonly SupervisedServer[];
  readonly #listeners: Set<(news: ServerNews) => void>;
  #cached: { basis: readonly unknown[]; addresses: Addresses } | undefined;

  constructor(servers: () => readonly SupervisedServer[], listeners: Set<(news: ServerNews) => void>) {
    this.#servers = servers;
    this.#listeners = listeners;
  }

  toolDetails(): ReadonlyMap<string, JsonObject> {
    const addresses = this.#addresses;
    return new Map(
      this.#servers().flatMap(({ config, lists }) =>
        lists.tools.map(({ name, title, annotations, outputSchema, extras }): [string, JsonObject] => [
          modelName(config.name, name),
          {
            ...addresses.inListing(config.name, extras),
            ...(title && { title }),
            ...(annotations && { annotations }),
            ...(outputSchema && { outputSchema }),
          },
        ]),
      ),
    );
  }

  withAddresses(server: string, result: JsonObject): JsonObject {
    return this.#addresses.in(server, result);
  }

  prompts(): readonly (PromptInfo & { own: string; details: JsonObject })[] {
    return namedPrompts(this.#servers()).map(({ name, server, prompt: { extras: details, ...prompt } }) => ({
      ...prompt,
      name,
      own: prompt.name,
      server: server.config.name,
      details,
    }));
  }

  async getPrompt(name: string, args: Record<string, string>, signal: AbortSignal): Promise<JsonObject> {
    const { server, prompt } = this.#prompt(name);
    const result = await this.#asking(server, signal, () => server.connection.getPrompt(prompt, args, signal));
    return this.withAddresses(server.config.name, result);
  }

  resources(isShown: (server: string) => boolean): readonly JsonObject[] {
    const addresses = this.#addresses;
    return this.#shown(isShown).flatMap(({ config, lists }) =>
      lists.resources.map(({ uri, name, description, mimeType, extras }) => ({
        name,
        ...extras,
        uri: addresses.of(config.name, uri),
        ...(description && { description }),
        ...(mimeType && { mimeType }),
      })),
    );
  }

  resourceAt(address: string): ServedResource {
    const owner = this.#addresses.owner(address);
    if (!owner || !isReadable(owner.server)) throw noOwner(address);
    const { server, uri } = owner;
    const { name } = server.config;
    return {
      server: name,
      place: programOf(server.config),
      uri,
      read: async (signal) => {
        const result = await this.#asking(server, signal, () => server.connection.readResourceUncached(uri, signal));
        return this.withAddresses(name, result);
      },
      watch: (signal) => this.#asking(server, signal, () => server.watchResource(uri, signal)),
    };
  }

  templates(): readonly { uriTemplate: string; server: string }[] {
    return this.#servers().flatMap(({ config, lists }) =>
      lists.templates.map(({ uriTemplate }) => ({ uriTemplate, server: config.name })),
    );
  }

  resourceTemplates(isShown: (server: string) => boolean): readonly JsonObject[] {
    return this.#shown(isShown).flatMap(({ lists }) =>
      lists.templates.map(({ uriTemplate, extras }) => ({ name: uriTemplate, ...extras, uriTemplate })),
    );
  }

  instructions(): readonly { server: string; text: string }[] {
    return this.#servers()
      .map(({ config, lists }) => ({ server: config.name, text: lists.instructions }))
      .filter(({ text }) => text.trim() !== "");
  }

  async complete(
    of: { prompt: string } | { template: string; isShown?: (server: string) => boolean },
    argument: { name: string; value: string },
    signal?: AbortSignal,
  ): Promise<string[]> {
    if ("prompt" in of) {
      const { server, prompt } = this.#prompt(of.prompt);
      const ref = { type: "ref/prompt", name: prompt };
      return this.#asking(server, signal, () => server.connection.complete(ref, argument, signal));
    }
    const isMeant = ({ uriTemplate }: { uriTemplate: string }) => uriTemplate === of.template;
    const owners = of.isShown ? this.#shown(of.isShown) : this.#servers();
    const owner = owners.find(({ lists }) => lists.templates.some(isMeant));
    if (!owner) throw new McpError("not_found", `no server offers ${of.template}`);
    const ref = { type: "ref/resource", uri: of.template };
    return this.#asking(owner, signal, () => owner.connection.complete(ref, argument, signal));
  }

  onNews(listener: (news: ServerNews) => void): () => void {
    const listening = (news: ServerNews) =>
      listener(news.type === "resource" ? { ...news, uri: this.#addresses.of(news.server, news.uri) } : news);
    this.#listeners.add(listening);
    return () => void this.#listeners.delete(listening);
  }

  /** Runs `ask`, which sends a request, as soon as the server has started. If the server answers with an error, makes that error fit for clients. */
  async #asking<T>(server: SupervisedServer, signal: AbortSignal | undefined, ask: () => Promise<T>): Promise<T> {
    try {
      await server.startForUse(signal);
      return await ask();
    } catch (error) {
      if (!(error instanceof McpError && error.cause instanceof RpcError)) throw error;
      const { config } = server;
      const { code, message, data } = passedError(error.cause, redactor(config));
      const cause = new RpcError(code, message, isPlainObject(data) ? this.withAddresses(config.name, data) : data);
      throw new McpError(error.kind, message, { cause });
    }
  }

  /**
   * Addresses of resources for clients. They are kept until a server, its lists or its links change: a server may have 50,000 resources, and
   * each change of a resource needs its address once per client.
   */
  get #addresses(): Addresses {
    const servers = this.#servers();
    const basis = servers.flatMap((server) => [server, server.lists, server.linked.links]);
    const cached = this.#cached;
    if (cached?.basis.length === basis.length && basis.every((part, index) => part === cached.basis[index]))
      return cached.addresses;
    const addresses = new Addresses(servers);
    this.#cached = { basis, addresses };
    return addresses;
  }

  #shown(isShown: (server: string) => boolean): SupervisedServer[] {
    return this.#servers().filter((server) => isReadable(server) && isShown(server.config.name));
  }

  #prompt(name: string): { server: SupervisedServer; prompt: string } {
    const found = findPrompt(this.#servers(), name);
    if (!found) throw new McpError("not_found", `no server offers ${name}`);
    return { server: found.server, prompt: found.prompt.name };
  }
}
