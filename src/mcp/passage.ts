import { McpError } from "../core/errors.js";
import type { Passage, PromptInfo, ServerNews } from "../core/ports.js";
import type { Json } from "./json.js";
import { noOwner, ownerOf } from "./resources.js";
import type { SupervisedServer } from "./supervised-server.js";
import { modelName } from "./tools.js";

/** What the servers say, unmapped: whoever passes it on speaks MCP too. */
export class ServerPassage implements Passage {
  readonly #servers: () => readonly SupervisedServer[];
  readonly #listeners: Set<(news: ServerNews) => void>;

  constructor(servers: () => readonly SupervisedServer[], listeners: Set<(news: ServerNews) => void>) {
    this.#servers = servers;
    this.#listeners = listeners;
  }

  toolDetails(name: string): Json {
    for (const { config, lists } of this.#servers()) {
      const tool = lists.tools.find((listed) => modelName(config.name, listed.name) === name);
      if (!tool) continue;
      const { title, annotations, outputSchema } = tool;
      return { ...(title && { title }), ...(annotations && { annotations }), ...(outputSchema && { outputSchema }) };
    }
    return {};
  }

  prompts(): readonly (PromptInfo & { own: string })[] {
    return this.#servers().flatMap(({ config: { name: server }, lists }) =>
      lists.prompts.map((prompt) => ({ ...prompt, name: modelName(server, prompt.name), own: prompt.name, server })),
    );
  }

  async getPrompt(name: string, args: Record<string, string>, signal: AbortSignal): Promise<Json> {
    const { server, prompt } = this.#prompt(name);
    await server.awake(signal);
    return server.connection.getPrompt(prompt, args, signal);
  }

  async readResource(uri: string, signal: AbortSignal): Promise<Json> {
    const owner = this.#ownerOf(uri);
    await owner.awake(signal);
    return owner.connection.fetchResource(uri, signal);
  }

  watchResource(uri: string, signal: AbortSignal): Promise<void> {
    return this.#ownerOf(uri).watchResource(uri, signal);
  }

  templates(): readonly { uriTemplate: string; server: string }[] {
    return this.#servers().flatMap(({ config, lists }) =>
      lists.templates.map((uriTemplate) => ({ uriTemplate, server: config.name })),
    );
  }

  async complete(
    of: { prompt: string } | { template: string },
    argument: { name: string; value: string },
    signal?: AbortSignal,
  ): Promise<string[]> {
    if ("prompt" in of) {
      const { server, prompt } = this.#prompt(of.prompt);
      await server.awake(signal);
      return server.connection.complete({ type: "ref/prompt", name: prompt }, argument, signal);
    }
    const owner = this.#servers().find(({ lists }) => lists.templates.includes(of.template));
    if (!owner) throw new McpError("not_found", `no server offers ${of.template}`);
    await owner.awake(signal);
    return owner.connection.complete({ type: "ref/resource", uri: of.template }, argument, signal);
  }

  onNews(listener: (news: ServerNews) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #prompt(name: string): { server: SupervisedServer; prompt: string } {
    for (const server of this.#servers()) {
      const prompt = server.lists.prompts.find((listed) => modelName(server.config.name, listed.name) === name);
      if (prompt) return { server, prompt: prompt.name };
    }
    throw new McpError("not_found", `no server offers ${name}`);
  }

  #ownerOf(uri: string): SupervisedServer {
    const owner = ownerOf(uri, this.#servers());
    if (owner) return owner;
    throw noOwner(uri);
  }
}
