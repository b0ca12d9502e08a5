import type { ToolHub } from "../../core/ports.js";
import { Slots } from "./back-pressure.js";
import { type WireChunk, wirePart } from "./chunks.js";
import { promptsJson, resourcesJson, serversJson, toolsJson } from "./host-lists.js";
import type { ClientMessage } from "./incoming.js";
import type { ServerRequests } from "./server-requests.js";

/** Maximum number of lists that are sent concurrently. Each list stays in memory until the client has read it. */
const mostLists = 4;

/** Maximum number of concurrent requests to servers. The answers may be large, and each stays in memory until the client has read it. */
const mostAsked = 16;

type ListAction = "list_servers" | "list_tools" | "list_prompts" | "list_resources";
type SendChunk = (chunk: WireChunk) => Promise<void>;

export class HostAnswers {
  readonly #hub: ToolHub;
  readonly #asked: ServerRequests;
  readonly #telling = new Slots(mostLists);
  readonly #asking = new Slots(mostAsked);

  constructor(hub: ToolHub, asked: ServerRequests) {
    this.#hub = hub;
    this.#asked = asked;
  }

  /** Sends a list when the servers have started. Only `list_servers` is answered at once: clients use it to watch servers start. */
  async list(message: ClientMessage<ListAction>, answer: SendChunk): Promise<void> {
    const { action } = message;
    if (action !== "list_servers") await this.#asked.run(message, (signal) => whenSettled(this.#hub, signal));
    await this.#telling.run(() => answer(listChunk(this.#hub, action)));
  }

  /** Asks a server, and sends its answer to the client. Rejects with McpError, or with RequestError `cancelled`. */
  ask(message: ClientMessage<"complete" | "read_resource">, answer: SendChunk): Promise<void> {
    return this.#asked.run(message, async (signal) => {
      await whenSettled(this.#hub, signal);
      await this.#asking.run(async () => answer(await serverChunk(this.#hub, message, signal)), signal);
    });
  }
}

/** Waits until every server is ready or has used up its start time. Does not reject if a required server is missing. */
export async function whenSettled(hub: ToolHub, signal: AbortSignal): Promise<void> {
  await hub.settled(signal).catch(() => {});
  signal.throwIfAborted();
}

function listChunk(hub: ToolHub, action: ListAction): WireChunk {
  switch (action) {
    case "list_servers":
      return { type: "servers", data: serversJson(hub.servers()) };
    case "list_tools":
      return { type: "tools", data: toolsJson(hub.tools()) };
    case "list_prompts":
      return { type: "prompts", data: promptsJson(hub.prompts()) };
    case "list_resources":
      return { type: "resources", data: resourcesJson(hub) };
  }
}

async function serverChunk(
  hub: ToolHub,
  message: ClientMessage<"complete" | "read_resource">,
  signal: AbortSignal,
): Promise<WireChunk> {
  if (message.action === "complete") {
    const { prompt, template = "", argument: name, value } = message;
    const values = await hub.mcpResults.complete(
      prompt === undefined ? { template } : { prompt },
      { name, value },
      signal,
    );
    return { type: "completion", data: { values } };
  }
  const content = await hub.readResource(message.uri, signal);
  return { type: "resource", data: { uri: message.uri, content: content.map(wirePart) } };
}
