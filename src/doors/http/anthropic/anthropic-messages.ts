/**
 * Reads messages of Anthropic's API as messages of this host. An unsupported block is refused, because leaving it out would change the
 * conversation. The error names the position of the block.
 */
import { lookUpAll } from "../../../core/async/slices.js";
import { safeString } from "../../../core/json.js";
import { addAll } from "../../../core/lists/long-lists.js";
import type { AssistantMessage, ContentPart, Message, ToolCall } from "../../../core/messages.js";
import { textOf } from "../../../core/messages.js";
import type { DoorParts } from "../../shared/door.js";
import { ApiError } from "../shared/api-errors.js";
import { pictureAt } from "../shared/picture-address.js";
import { callerToolName, serverToolName } from "../turns/caller-tools.js";
import { requireSize } from "../turns/input-size.js";
import { type LoggedTurns, loggedOrGiven } from "../turns/logged-turns.js";
import { turnKeyOfItem } from "../turns/turn-ids.js";
import type { AnthropicBlock, MessageParam } from "./anthropic-body.js";

type Hub = DoorParts["hub"];

/** A block, and its position in the body for error messages. */
interface PlacedBlock {
  block: AnthropicBlock;
  at: string;
}

/** Reads the messages of a call. Rejects with ApiError or StoreError. */
export async function readMessages(
  hub: Hub,
  turns: LoggedTurns,
  messages: readonly MessageParam[],
): Promise<Message[]> {
  const read = await lookUpAll(mergedAnswers(messages), ({ role, blocks }) => {
    if (role === "assistant") return readAnswer(hub, turns, blocks);
    return role === "system" ? readSystem(blocks) : readUser(blocks);
  });
  return requireSize(read.flat(), "messages");
}

interface BlockMessage {
  role: MessageParam["role"];
  blocks: PlacedBlock[];
}

/** Joins consecutive assistant messages. An answer is one message in this host, even if the caller has split it. */
function mergedAnswers(messages: readonly MessageParam[]): BlockMessage[] {
  const merged: BlockMessage[] = [];
  for (const [index, { role, content }] of messages.entries()) {
    const all = typeof content === "string" ? [{ type: "text", text: content }] : (content ?? []);
    const blocks = all.map((block, number) => ({ block, at: `messages.${index}.content.${number}` }));
    const last = merged.at(-1);
    if (role === "assistant" && last?.role === role) addAll(last.blocks, blocks);
    else merged.push({ role, blocks });
  }
  return merged;
}

/** Reads the text of a system message. If the message also adds or removes tools, `offeredTools` reads those changes. */
function readSystem(blocks: readonly PlacedBlock[]): Message[] {
  const texts = blocks.filter(({ block }) => block.type !== "tool_addition" && block.type !== "tool_removal");
  const content = textOf(texts.flatMap((placed) => readPart(placed)));
  return content === "" ? [] : [{ role: "system", content }];
}

/** Reads a user message. The results of tools are put before the user's content, so that the results directly follow their calls. */
function readUser(blocks: readonly PlacedBlock[]): Message[] {
  const results = blocks.filter(({ block }) => block.type === "tool_result").map(readResult);
  // If a message has results, its files come from tools: see Claude Code in http/clients.ts.
  const read = results.length > 0 ? readToolPart : readPart;
  const content = blocks.flatMap((placed) => (placed.block.type === "tool_result" ? [] : read(placed)));
  return content.length > 0 || results.length === 0 ? [...results, { role: "user", content }] : results;
}

function readResult({ block, at }: PlacedBlock): Message {
  const { content = [], is_error } = block;
  const parts = partsOf(content, `${at}.content`, readToolPart);
  return {
    role: "tool",
    toolCallId: stringIn(block, "tool_use_id", at),
    content: parts.length > 0 ? parts : [{ type: "text", text: "" }],
    isError: is_error === true,
  };
}

/**
 * Reads a part that comes from a tool. A file that models cannot read becomes a text that names the type of the file. `readPart` refuses
 * such files, because they come from the user.
 */
function readToolPart(placed: PlacedBlock): ContentPart[] {
  const { block, at } = placed;
  if (block.type !== "document" || sourceOf(block, at).type !== "base64") return readPart(placed);
  const { media_type } = sourceOf(block, at);
  if (media_type === "application/pdf") return readPart(placed);
  const text = `[a file of type ${safeString(media_type)} that cannot be shown here]`;
  return [{ type: "text", text }];
}

function readPart(placed: PlacedBlock): ContentPart[] {
  const { block, at } = placed;
  switch (block.type) {
    case "text": {
      const text = stringIn(block, "text", at);
      return text === "" ? [] : [{ type: "text", text }];
    }
    case "image":
      return [readImage(sourceOf(block, at), at)];
    case "document":
      return readDocument(placed);
    case "search_result": {
      const head = [stringIn(block, "title", at), stringIn(block, "source", at)].join("\n");
      return [{ type: "text", text: head }, ...partsOf(block.content, `${at}.content`, readPart)];
    }
    case "tool_reference":
      return [{ type: "text", text: `The tool ${stringIn(block, "tool_name", at)} can be called.` }];
    default:
      throw unsupported(placed);
  }
}

function readImage(source: AnthropicBlock, at: string): ContentPart {
  if (source.type === "url") return pictureAt(stringIn(source, "url", `${at}.source`), `${at}.source.url`);
  if (source.type !== "base64") throw refused(`${at}.source`, `a source of type "${short(source.type)}"`);
  const mimeType = stringIn(source, "media_type", `${at}.source`);
  return { type: "image", mimeType, data: stringIn(source, "data", `${at}.source`) };
}

function readDocument({ block, at }: PlacedBlock): ContentPart[] {
  const source = sourceOf(block, at);
  const heading = [block.title, block.context].filter((text) => typeof text === "string" && text !== "");
  const head: ContentPart[] = heading.length > 0 ? [{ type: "text", text: heading.join("\n") }] : [];
  switch (source.type) {
    case "text":
      return [...head, { type: "text", text: stringIn(source, "data", `${at}.source`) }];
    case "content":
      return [...head, ...partsOf(source.content, `${at}.source.content`, readPart)];
    case "url":
      return [...head, { type: "resource_link", uri: stringIn(source, "url", `${at}.source`) }];
    case "base64":
      if (source.media_type === "application/pdf") return [...head, pdfOf(source, block.title, at)];
      throw refused(`${at}.source`, `a file of type ${short(safeString(source.media_type))} (send its text)`);
    default:
      throw refused(`${at}.source`, "such a document (send its text, or the PDF as base64)");
  }
}

function pdfOf(source: AnthropicBlock, title: unknown, at: string): ContentPart {
  const data = stringIn(source, "data", `${at}.source`);
  return { type: "file", data, mimeType: "application/pdf", ...(typeof title === "string" && { name: title }) };
}

function sourceOf({ source }: AnthropicBlock, at: string): AnthropicBlock {
  if (typeof source === "object" && source !== null && "type" in source && typeof source.type === "string") {
    return source as AnthropicBlock;
  }
  throw new ApiError(400, "invalid_body", `${at}.source: an object with a type is needed`, `${at}.source`);
}

function partsOf(content: unknown, at: string, read: (placed: PlacedBlock) => ContentPart[]): ContentPart[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  if (content === null || content === undefined) return [];
  if (!Array.isArray(content))
    throw new ApiError(400, "invalid_body", `${at}: a text or a list of blocks is needed`, at);
  return content.flatMap((block: unknown, index) => {
    const isBlock = typeof block === "object" && block !== null && "type" in block && typeof block.type === "string";
    if (!isBlock) throw new ApiError(400, "invalid_body", `${at}.${index}: a block with a type is needed`, at);
    return read({ block: block as AnthropicBlock, at: `${at}.${index}` });
  });
}

/**
 * Reads an answer of the model. If a signature of its thinking or the id of a call in it was made by this host, the answer is looked up in
 * the log; `loggedOrGiven` then decides whether the stored answer or the caller's copy is used.
 */
async function readAnswer(hub: Hub, turns: LoggedTurns, blocks: readonly PlacedBlock[]): Promise<Message[]> {
  const ids = blocks.flatMap(({ block: { type, id, signature } }) => (type === "thinking" ? signature : (id ?? [])));
  const turnKey = ids.map((id) => turnKeyOfItem(typeof id === "string" ? id : undefined)).find((found) => found);
  const callIds = blocks.flatMap(({ block: { type, id } }) => (type === "tool_use" ? [safeString(id)] : []));
  const logged = turnKey && (await turns.turn(turnKey, new Set(callIds)));
  return loggedOrGiven(logged, givenAnswer(hub, blocks));
}

/**
 * Reads an answer as the caller has sent it. Text after the results of calls of servers' tools begins a new assistant message, because the
 * model wrote it after it had seen these results.
 */
function givenAnswer(hub: Hub, blocks: readonly PlacedBlock[]): Message[] {
  const resultOf = new Map(
    blocks.flatMap((placed) =>
      placed.block.type === "mcp_tool_result" ? [[safeString(placed.block.tool_use_id), placed] as const] : [],
    ),
  );
  let messages: Message[] = [];
  let open: AssistantMessage | undefined;
  let results: Message[] = [];
  let reasoning = "";
  const answer = () => {
    if (open && results.length === 0) return open;
    messages = messages.concat(results);
    results = [];
    open = { role: "assistant", content: "", toolCalls: [], ...(reasoning ? { reasoning } : {}) };
    reasoning = "";
    messages.push(open);
    return open;
  };
  for (const placed of blocks) {
    const { block, at } = placed;
    switch (block.type) {
      case "text":
        answer().content += stringIn(block, "text", at);
        break;
      case "thinking":
        reasoning += stringIn(block, "thinking", at);
        break;
      // Blocks that another service has encrypted are skipped. Results are skipped here, because each result is added together with its
      // call.
      case "redacted_thinking":
      case "mcp_tool_result":
        break;
      case "tool_use":
        answer().toolCalls.push(callIn(block, at, callerToolName({ name: stringIn(block, "name", at) })));
        break;
      case "mcp_tool_use": {
        const names = { server: stringIn(block, "server_name", at), tool: stringIn(block, "name", at) };
        const call = callIn(block, at, serverToolName(hub, names));
        // All calls of one answer are in one message, and their results follow the message.
        (open ?? answer()).toolCalls.push(call);
        results.push(serverResult(call.id, resultOf.get(call.id)));
        break;
      }
      default:
        throw unsupported(placed);
    }
  }
  return messages
    .concat(results)
    .filter(({ role, ...message }) => role !== "assistant" || !isEmpty(message as AssistantMessage));
}

function isEmpty({ content, toolCalls }: AssistantMessage): boolean {
  return content.trim() === "" && toolCalls.length === 0;
}

function callIn(block: AnthropicBlock, at: string, name: string): ToolCall {
  return { id: stringIn(block, "id", at), name, arguments: JSON.stringify(block.input ?? {}) };
}

function serverResult(callId: string, found: PlacedBlock | undefined): Message {
  if (found) return readResult(found);
  const text = "the call ended without a result";
  return { role: "tool", toolCallId: callId, content: [{ type: "text", text }], isError: true };
}

function stringIn(block: AnthropicBlock, name: string, at: string): string {
  const value = block[name];
  if (typeof value === "string") return value;
  throw new ApiError(400, "invalid_body", `${at}.${name}: a text is needed`, `${at}.${name}`);
}

function unsupported({ block, at }: PlacedBlock): ApiError {
  return refused(`${at}.type`, `a block of type "${short(block.type)}"`);
}

function refused(at: string, what: string): ApiError {
  return new ApiError(400, "unsupported_content", `${at}: ${what} is not supported by this host`, at);
}

/** Cuts the text for an error message, since the caller may have sent megabytes. */
function short(text: string): string {
  return text.slice(0, 60);
}
