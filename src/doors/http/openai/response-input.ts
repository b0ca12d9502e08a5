/** Reads the input of `/v1/responses` as messages. An unsupported item is refused, because leaving it out would change the conversation. */
import { lookUpAll } from "../../../core/async/slices.js";
import type { AssistantMessage, Message, ToolCall } from "../../../core/messages.js";
import type { DoorParts } from "../../shared/door.js";
import { ApiError } from "../shared/api-errors.js";
import { callerToolName, customArguments, serverToolName } from "../turns/caller-tools.js";
import { requireSize } from "../turns/input-size.js";
import { type LoggedTurns, loggedOrGiven } from "../turns/logged-turns.js";
import { callId, type TurnKey, turnKeyOfItem } from "../turns/turn-ids.js";
import { type ChatMessage, type Content, readMessage } from "./openai-messages.js";

export interface InputItem {
  type?: string | null;
  id?: string | null;
  role?: ChatMessage["role"];
  content?: Content;
  call_id?: string;
  name?: string;
  namespace?: string | null;
  arguments?: string;
  input?: string;
  output?: Content;
  error?: unknown;
  server_label?: string;
  summary?: Content;
}

interface InputParts {
  hub: DoorParts["hub"];
  turns: LoggedTurns;
}

/** Consecutive output items of the same response, or a single item that the caller wrote. */
interface Group {
  isOutput: boolean;
  items: InputItem[];
  turnKey?: TurnKey;
}

/** Reads the items as messages. Rejects with ApiError or StoreError. */
export async function readInput(parts: InputParts, items: readonly InputItem[]): Promise<Message[]> {
  const groups: Group[] = [];
  for (const [index, item] of items.entries()) addTo(groups, item, index);
  const read = await lookUpAll(groups, (group) => readGroup(parts, group));
  return requireSize(read.flat(), "input");
}

const outputTypes = ["reasoning", "function_call", "custom_tool_call", "mcp_call", "item_reference"];
const ownTypes = ["message", "function_call_output", "custom_tool_call_output"];

function addTo(groups: Group[], item: InputItem, index: number): void {
  const type = item.type ?? "message";
  if (!outputTypes.includes(type) && !ownTypes.includes(type)) throw unsupported(type, index);
  if (type === "message" && !item.role) throw new ApiError(400, "invalid_body", `input.${index} has no role`, "input");
  const isOutput = outputTypes.includes(type) || (type === "message" && item.role === "assistant");
  const turnKey = isOutput ? (turnKeyOfItem(item.id) ?? turnKeyOfItem(item.call_id)) : undefined;
  if (type === "item_reference" && !turnKey) throw noItem(item);
  const last = groups.at(-1);
  // An item without an id belongs to the response of the item before it. Exception: a message without an id after an item with an id begins
  // another response, because in a response the text comes before the calls.
  const isSame = turnKey ? !last?.turnKey || isSameTurn(turnKey, last.turnKey) : type !== "message" || !last?.turnKey;
  if (isOutput && last?.isOutput && isSame) {
    last.items.push(item);
    if (turnKey) last.turnKey = turnKey;
  } else groups.push({ isOutput, items: [item], ...(turnKey ? { turnKey } : {}) });
}

function isSameTurn(one: TurnKey, other: TurnKey): boolean {
  return one.conversationId === other.conversationId && one.turnId === other.turnId;
}

function unsupported(type: string, index: number): ApiError {
  const names = [...ownTypes, ...outputTypes].join(", ");
  const text = `items of type "${type.slice(0, 40)}" are not supported (those that are: ${names})`;
  return new ApiError(400, "invalid_value", `input.${index}: ${text}`, `input.${index}.type`);
}

function noItem({ id }: InputItem): ApiError {
  return new ApiError(404, "item_not_found", `Item with id '${(id ?? "").slice(0, 200)}' not found.`, "input");
}

async function readGroup(parts: InputParts, { isOutput, items, turnKey }: Group): Promise<Message[]> {
  if (!isOutput) return items.map(readOwn);
  const reference = items.find(({ type }) => type === "item_reference");
  const logged = turnKey && (await parts.turns.turn(turnKey, givenIds(items)));
  if (reference && !logged) throw noItem(reference);
  return logged && reference ? logged : loggedOrGiven(logged, readOutput(parts, items));
}

/**
 * Returns the call ids of the items. An item reference contains only the id of an earlier output item. The call's id is then made from the
 * index in the item's id.
 */
function givenIds(items: readonly InputItem[]): Set<string> {
  const ids = items.map(({ type, id, call_id }) => {
    const item = type === "item_reference" && /^(fc|ctc)_/.test(id ?? "") ? turnKeyOfItem(id) : undefined;
    return item ? callId(item, item.index) : (call_id ?? "");
  });
  return new Set(ids);
}

function readOwn({ type, role, content, call_id, output }: InputItem): Message {
  if (role && (type ?? "message") === "message") return readMessage({ role, content });
  return readMessage({ role: "tool", tool_call_id: call_id ?? "", content: output });
}

/**
 * Converts output items to messages. Each call is a separate item, but the calls of one answer become one message. The results of the calls
 * follow this message.
 */
function readOutput(parts: InputParts, items: readonly InputItem[]): Message[] {
  let messages: Message[] = [];
  let open: AssistantMessage | undefined;
  let results: Message[] = [];
  let reasoning = "";
  const answer = (content: string) => {
    messages = messages.concat(results);
    results = [];
    open = { role: "assistant", content, toolCalls: [], ...(reasoning ? { reasoning } : {}) };
    reasoning = "";
    messages.push(open);
    return open;
  };
  for (const item of items) {
    if (item.type === "reasoning") reasoning = reasoningIn(item.content) || reasoningIn(item.summary);
    else if (item.role === "assistant") answer(textIn(item.content));
    else {
      const call = callIn(parts, item);
      (open ?? answer("")).toolCalls.push(call);
      if (item.type === "mcp_call") results.push(resultOf(item, call));
    }
  }
  return [...messages, ...results];
}

function textIn(content: Content): string {
  const message = readMessage({ role: "assistant", content });
  return message.role === "assistant" ? message.content : "";
}

/** Returns the readable reasoning. Encrypted reasoning is left out, since only the service that wrote it can read it. */
function reasoningIn(content: Content): string {
  return Array.isArray(content) ? content.map(({ text }) => (typeof text === "string" ? text : "")).join("\n") : "";
}

function callIn({ hub }: InputParts, item: InputItem): ToolCall {
  const { call_id = "", name = "", namespace, arguments: text = "", input = "" } = item;
  if (item.type === "mcp_call") {
    const { id, server_label: server = "" } = item;
    return { id: id ?? `mcp_${name}`, name: serverToolName(hub, { server, tool: name }), arguments: text };
  }
  const tool = callerToolName(namespace ? { namespace, name } : { name });
  return { id: call_id, name: tool, arguments: item.type === "custom_tool_call" ? customArguments(input) : text };
}

function resultOf({ output, error }: InputItem, { id }: ToolCall): Message {
  const failed = error !== undefined && error !== null;
  const text = failed ? (typeof error === "string" ? error : JSON.stringify(error)) : (output ?? "");
  const message = readMessage({ role: "tool", tool_call_id: id, content: text });
  return message.role === "tool" ? { ...message, isError: failed } : message;
}
