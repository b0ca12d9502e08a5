/**
 * Builds a request's body as text from parts that were written before, because every hop of a turn sends the same messages and tools. A
 * call with 400 messages of history takes 0.35 ms of processor time more than a call without history; if all messages are written anew, it
 * takes 0.68 ms more (W8 of `npm run bench -- --only W8`, 2026-11-28).
 */
import type { CompletionRequest, Message, OutputFormat, ToolChoice, ToolDefinition } from "../../../core/chat.js";
import type { JsonObject } from "../../../core/json.js";
import type { Quirks } from "../../providers/presets.js";
import type { Provider } from "../../providers/providers.js";
import { RequestBody } from "../shared/request-body.js";
import type { Target } from "../wire.js";
import { bodyOf, sendsTools, wireTool } from "./body.js";
import { WireWalk } from "./messages.js";

/**
 * Writes the same text as `JSON.stringify(requestBody(request, target))`. A tool definition must not be changed in place after it was sent.
 */
export function writeBody(request: CompletionRequest, target: Target<Quirks>): RequestBody {
  const { quirks } = target;
  const written = writtenFor(quirks);
  written.walk.begin(target);
  const body = new RequestBody();
  for (const piece of piecesFor(request, target, written)) {
    if (piece === MESSAGES) writeMessages(body, request.messages, written);
    else if (piece === TOOLS) body.add(toolsText(request.tools, quirks, written));
    else body.add(piece);
  }
  return body;
}

const MESSAGES = Symbol("messages");
const TOOLS = Symbol("tools");
type Piece = string | typeof MESSAGES | typeof TOOLS;

interface Frame {
  provider: Provider;
  model: string;
  streaming: boolean;
  hasTools: boolean;
  temperature: number | undefined;
  maxTokens: number | undefined;
  toolChoice: ToolChoice | undefined;
  parallelToolCalls: boolean | undefined;
  output: OutputFormat | undefined;
  pieces: readonly Piece[];
}

/** Most frames that are kept. A program that changes the frame with every request would gain nothing from more of them. */
const mostFrames = 16;

function piecesFor(request: CompletionRequest, target: Target<Quirks>, { frames }: Written): readonly Piece[] {
  const { temperature, maxTokens, toolChoice, parallelToolCalls, output } = request;
  const { provider, model, streaming } = target;
  const hasTools = sendsTools(request, target.quirks);
  for (const frame of frames) {
    if (frame.provider !== provider || frame.model !== model || frame.streaming !== streaming) continue;
    if (frame.toolChoice !== toolChoice || frame.parallelToolCalls !== parallelToolCalls) continue;
    if (frame.output !== output) continue;
    if (frame.hasTools === hasTools && frame.temperature === temperature && frame.maxTokens === maxTokens)
      return frame.pieces;
  }
  const pieces = around(bodyOf(request, target, { messages: MESSAGES, tools: TOOLS }));
  const asked = { temperature, maxTokens, toolChoice, parallelToolCalls, output };
  frames.push({ provider, model, streaming, hasTools, ...asked, pieces });
  if (frames.length > mostFrames) frames.shift();
  return pieces;
}

function around(body: JsonObject): Piece[] {
  const pieces: Piece[] = [];
  let text = "{";
  for (const [key, value] of Object.entries(body)) {
    const isList = value === MESSAGES || value === TOOLS;
    const json = isList ? "[" : JSON.stringify(value);
    if (json === undefined) continue;
    text += `${text === "{" ? "" : ","}${JSON.stringify(key)}:${json}`;
    if (!isList) continue;
    pieces.push(text, value);
    text = "]";
  }
  pieces.push(`${text}}`);
  return pieces;
}

/** Longest text that is kept, in characters. Longer messages are written anew each time, so that no long prompt is in memory twice. */
const mostKept = 64 * 1024;

/** Length up to which a text is kept at its first use, in characters. Otherwise the hops of a turn would write each message twice. */
const soonKept = 1024;

/** Shortest conversation whose texts are kept, in messages. Writing a shorter one is faster than comparing it. */
const leastKept = 4;

interface Kept {
  /** Values from which the text was made. They are compared, because callers may change their messages between two requests. */
  made: readonly unknown[];
  /**
   * Text of the message. For a long message it is kept only from the second use on, because most messages that a program writes are sent
   * only once.
   */
  json?: string;
}

interface Written {
  walk: WireWalk;
  frames: Frame[];
  messages: WeakMap<Message, Kept>;
  tools: WeakMap<ToolDefinition, string>;
  lists: WeakMap<readonly ToolDefinition[], { tools: readonly ToolDefinition[]; text: string }>;
}

const byQuirks = new WeakMap<Quirks, Written>();

function writtenFor(quirks: Quirks): Written {
  const known = byQuirks.get(quirks);
  if (known) return known;
  const fresh: Written = {
    walk: new WireWalk(quirks),
    frames: [],
    messages: new WeakMap(),
    tools: new WeakMap(),
    lists: new WeakMap(),
  };
  byQuirks.set(quirks, fresh);
  return fresh;
}

function writeMessages(to: RequestBody, messages: readonly Message[], { walk, messages: written }: Written): void {
  const isKept = messages.length >= leastKept;
  let isFirst = true;
  for (const message of messages) {
    if (!isFirst) to.add(",");
    isFirst = false;
    const kept = isKept && walk.isBetween ? written.get(message) : undefined;
    const isSame = kept !== undefined && isMadeOf(message, kept.made);
    if (isSame && kept.json !== undefined) {
      to.add(kept.json);
      continue;
    }
    const { isBetween, generated } = walk;
    const json = textsOf(walk.next(message));
    to.add(json);
    // Keeps only texts that do not depend on the messages around them.
    if (!isKept || !isBetween || !walk.isBetween || walk.generated !== generated || json.length > mostKept) continue;
    if (isSame) kept.json = json;
    else keep(written, message, json);
  }
  for (const wire of walk.end()) to.add(`,${JSON.stringify(wire)}`);
}

function textsOf(wires: readonly JsonObject[]): string {
  return wires.length === 1 ? JSON.stringify(wires[0]) : wires.map((wire) => JSON.stringify(wire)).join(",");
}

function keep(written: WeakMap<Message, Kept>, message: Message, json: string): void {
  const parts: unknown[] = [];
  const isWhole = eachPart(message, (part) => parts.push(part) > 0);
  if (!isWhole) return;
  const made = parts.slice(); // without spare capacity
  written.set(message, json.length > soonKept ? { made } : { made, json });
}

function isMadeOf(message: Message, made: readonly unknown[]): boolean {
  let place = 0;
  return eachPart(message, (part) => made[place++] === part) && place === made.length;
}

/**
 * Calls `visit` for every value that the text depends on, until `visit` returns false. Returns true if all calls did, and false for a
 * message that holds kept parts or other opaque data.
 */
function eachPart(message: Message, visit: (part: unknown) => boolean): boolean {
  if (!visit(message.role)) return false;
  if (message.role === "system") return visit(message.content);
  if (message.role === "assistant") {
    if (message.kept || message.reasoningDetails || !visit(message.content) || !visit(message.reasoning)) return false;
    for (const call of message.toolCalls) {
      if (call.opaque !== undefined || !visit(call.id) || !visit(call.name) || !visit(call.arguments)) return false;
    }
    return true;
  }
  if (message.role === "tool" && !visit(message.toolCallId)) return false;
  for (const part of message.content) {
    if (!visit(part.type)) return false;
    if (part.type === "text") {
      if (!visit(part.text)) return false;
    } else if (part.type === "resource_link") {
      if (!visit(part.uri) || !visit(part.name) || !visit(part.mimeType)) return false;
    } else if (!visit(part.data) || !visit(part.mimeType)) return false;
  }
  return true;
}

function toolsText(tools: readonly ToolDefinition[], quirks: Quirks, { tools: written, lists }: Written): string {
  if (tools.length === 0) return "";
  const known = lists.get(tools);
  if (known?.tools.length === tools.length && tools.every((tool, place) => known.tools[place] === tool))
    return known.text;
  const texts = tools.map((tool) => {
    const json = written.get(tool) ?? JSON.stringify(wireTool(tool, quirks));
    written.set(tool, json);
    return json;
  });
  const text = texts.join(",");
  lists.set(tools, { tools: [...tools], text });
  return text;
}
