import type { JsonObject } from "../../../core/json.js";
import { addAll } from "../../../core/lists/long-lists.js";
import { type AssistantMessage, type ContentPart, type Message, textOf } from "../../../core/messages.js";
import { wireArguments, wireName } from "../shared/calls.js";
import { asTaken, inlineFile, isText, onlyText } from "../shared/message-content.js";
import type { Target } from "../wire.js";
import { CallIds } from "./call-ids.js";
import { itemsOfParts } from "./kept-items.js";
import type { ResponsesQuirks } from "./quirks.js";

/** Writes the conversation as the API's flat list of items. `lateTools`: returns the tools that the given message makes available. */
export function inputItems(
  messages: readonly Message[],
  target: Target<ResponsesQuirks>,
  lateTools: (message: Message) => readonly JsonObject[],
): JsonObject[] {
  const walk = new InputWalk(target, lateTools);
  for (const message of messages) walk.next(message);
  return walk.end();
}

/** Writes messages in order, since some of them depend on the one before. */
class InputWalk {
  readonly #target: Target<ResponsesQuirks>;
  readonly #items: JsonObject[] = [];
  readonly #ids = new CallIds();
  readonly #lateTools: (message: Message) => readonly JsonObject[];
  /** Content of the next user item: pictures of tool results, and user messages. Undefined if there are none. */
  #asked: ContentPart[] | undefined;
  /**
   * Tools that results offer to the model. They are written after the last result of an answer: if they stood between two results, the
   * prefix of the next request would change.
   */
  #tools: JsonObject[] = [];

  constructor(target: Target<ResponsesQuirks>, lateTools: (message: Message) => readonly JsonObject[]) {
    this.#target = target;
    this.#lateTools = lateTools;
  }

  next(message: Message): void {
    const taken = asTaken(message, this.#target.quirks);
    if (taken.role === "tool") {
      addAll(this.#tools, this.#lateTools(message));
      this.#items.push(this.#output(taken));
    } else if (taken.role === "user") {
      if (this.#target.quirks.appendsMessages) this.end();
      this.#asked ??= [];
      addAll(this.#asked, taken.content);
    } else {
      this.end();
      if (taken.role === "assistant") addAll(this.#items, this.#said(taken));
      else
        this.#items.push({ role: this.#target.quirks.developerRole ? "developer" : "system", content: taken.content });
    }
  }

  /** Writes what waits for the end of the tool results and of the user's messages. */
  end(): JsonObject[] {
    if (this.#tools.length > 0) this.#items.push({ type: "additional_tools", role: "developer", tools: this.#tools });
    if (this.#asked) this.#items.push({ role: "user", content: inputContent(this.#asked) });
    this.#tools = [];
    this.#asked = undefined;
    return this.#items;
  }

  #output({ toolCallId, content }: Extract<Message, { role: "tool" }>): JsonObject {
    const id = this.#ids.ofResult(toolCallId);
    const output = (words: string | JsonObject[]) => ({ type: "function_call_output", call_id: id, output: words });
    if (this.#target.quirks.resultImages || content.every(isText)) {
      return output(content.length === 0 ? "(no output)" : inputContent(content) || "(no output)");
    }
    const rest = content.filter((part) => !isText(part));
    this.#asked ??= [];
    addAll(this.#asked, [{ type: "text", text: `From the tool call ${id}:` }, ...rest]);
    const note = `(${rest.length} attachment(s) in the next user message)`;
    return output(textOf(content) || note);
  }

  #said(message: AssistantMessage): JsonObject[] {
    const ids = this.#ids.ofCalls(message.toolCalls);
    const calls = message.toolCalls.map(({ name, arguments: text }, index) => ({
      type: "function_call",
      call_id: ids[index] ?? "",
      name: wireName(name),
      arguments: wireArguments(text),
    }));
    const parts = this.#target.kept(message);
    if (parts) return itemsOfParts(parts, { message, calls, quirks: this.#target.quirks });
    // llama.cpp recognises an assistant message only by this `type`.
    const said = { type: "message", role: "assistant", content: message.content };
    return message.content === "" ? calls : [said, ...calls];
  }
}

/** Writes the content. Content that is only text becomes one string, which every server understands. */
function inputContent(content: readonly ContentPart[]): string | JsonObject[] {
  const only = onlyText(content);
  if (only !== undefined) return only;
  return content.every(isText) ? textOf(content) : content.map(inputPart);
}

function inputPart(part: ContentPart): JsonObject {
  if (part.type === "text") return { type: "input_text", text: part.text };
  if (part.type === "file") return { type: "input_file", ...inlineFile(part) };
  const url = part.type === "resource_link" ? part.uri : `data:${part.mimeType};base64,${part.data}`;
  return { type: "input_image", image_url: url, detail: "auto" };
}
