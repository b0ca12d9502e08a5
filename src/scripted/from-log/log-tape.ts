/** A tape stands in for the connections to models and servers. This one gives the answers that a conversation's log contains. */

import { LlmError, McpError } from "../../core/errors.js";
import type { ContentPart } from "../../core/messages.js";
import type { Tape } from "../../host/tape.js";
import type { PlayableCall, PlayableTurn } from "../../session/export/playable.js";
import { readRequest } from "../model/request.js";
import { type WireReply, writeAnswer } from "../model/scripted-wire.js";

/** A tool in the form of `tools/list`. */
export interface RequestTool {
  name: string;
  description?: string;
  inputSchema: Readonly<Record<string, unknown>>;
}

export class LogTape implements Tape {
  readonly playsModels = true;
  readonly isInstant = true;
  readonly #answers: WireReply[];
  readonly #calls: PlayableCall[];
  readonly #tools: ReadonlyMap<string, readonly RequestTool[]>;

  /** `definitions` maps each server to its tools. A called tool that is missing there gets a made-up definition. */
  constructor(turns: readonly PlayableTurn[], definitions: ReadonlyMap<string, readonly RequestTool[]>) {
    const hops = turns.flatMap((turn) => turn.hops);
    this.#answers = hops.map(replyOf);
    this.#calls = hops.flatMap(({ calls }) => calls);
    this.#tools = toolsOf(this.#calls, definitions);
  }

  wireOf(): "chat" {
    return "chat";
  }

  conceal(): void {}

  choose(choose: Parameters<Tape["choose"]>[0]): ReturnType<Tape["choose"]> {
    return choose();
  }

  async model({ body, signal }: Parameters<Tape["model"]>[0]): ReturnType<Tape["model"]> {
    const answer = this.#answers.shift();
    if (!answer) throw new LlmError("cassette", "the log has no further answer of the model");
    return writeAnswer(answer, readRequest(body), signal);
  }

  async hello(): ReturnType<Tape["hello"]> {
    return { era: "legacy", capabilities: { tools: {} } };
  }

  async server({ server, method, params, signal }: Parameters<Tape["server"]>[0], life: Parameters<Tape["server"]>[1]) {
    if (method === "tools/list") return { result: { tools: [...(this.#tools.get(server) ?? [])] } };
    const index = this.#calls.findIndex((each) => each.server === server && isSameCall(each, params));
    const [call] = index < 0 ? [] : this.#calls.splice(index, 1);
    if (!call) throw new McpError("cassette", `the log has no such request to the server ${server}: ${method}`);
    for (const { message, ...asked } of call.asks) {
      const more =
        "url" in asked ? { mode: "url", url: asked.url, elicitationId: "e1" } : { requestedSchema: asked.form };
      await life.ask("elicitation/create", { message, ...more }, signal);
    }
    const { content, isError } = call.result;
    return { result: { content: content.map(blockOf), ...(isError && { isError }) } };
  }
}

function replyOf({ answer }: PlayableTurn["hops"][number], index: number): WireReply {
  const { message, finishReason, usage } = answer;
  return {
    number: index + 1,
    text: message.content,
    reasoning: message.reasoning ?? "",
    calls: message.toolCalls.map(({ id, name, arguments: written }) => ({ id, name, arguments: written })),
    ...((finishReason === "length" || finishReason === "content_filter") && { finish: finishReason }),
    usage: {
      input: usage?.inputTokens,
      output: usage?.outputTokens,
      cached: usage?.cachedTokens,
      cacheWrite: usage?.cacheWriteTokens,
    },
  };
}

/**
 * Returns true if the request is this call from the log. The tool's name must be equal, and so must the call id, which the host sends to
 * the server.
 */
function isSameCall({ call, tool }: PlayableCall, { name, _meta }: Readonly<Record<string, unknown>>): boolean {
  const id = String((_meta as Record<string, unknown> | undefined)?.["mcp-platform/call-id"]);
  return tool === name && id.endsWith(`/${call.id}`);
}

function toolsOf(
  calls: readonly PlayableCall[],
  definitions: ReadonlyMap<string, readonly RequestTool[]>,
): Map<string, readonly RequestTool[]> {
  const tools = new Map<string, readonly RequestTool[]>();
  for (const { server, tool, isInvented } of calls) {
    if (server === "" || isInvented) continue;
    const known = tools.get(server) ?? definitions.get(server) ?? [];
    tools.set(server, known.some(({ name }) => name === tool) ? known : [...known, madeUp(tool)]);
  }
  return tools;
}

function madeUp(name: string): RequestTool {
  return { name, description: "Made up from the calls of it.", inputSchema: { type: "object" } };
}

function blockOf(part: ContentPart): Record<string, unknown> {
  if (part.type === "resource_link") return { ...part, name: part.name ?? part.uri };
  return { ...part };
}
