/** Lines that a client may send in Claude Code's `stream-json`, as far as this host supports them. */
import type { ContentPart } from "../../core/messages.js";
import { FieldReader, MessageProblem, parseLine, requiredValue } from "../protocol/fields.js";
import { userContent } from "./content-blocks.js";
import { refusedField } from "./supported-options.js";
import { readToolRules } from "./tool-rules.js";

export type ClaudeInput =
  /** `requestId` is the `uuid` of the message. Messages with the same `uuid` run only once. */
  | { type: "user"; content: ContentPart[]; requestId?: string; message: unknown }
  | { type: "control_request"; requestId: string; request: ControlRequest }
  /** The client's answer to a control request of this host. */
  | { type: "control_response"; requestId: string; value: unknown; isError: boolean }
  | { type: "ignored" };

export type ControlRequest =
  /** `unsupported` names a feature that the client relies on and that this host lacks. */
  | {
      subtype: "initialize";
      systemPrompt?: string;
      appendSystemPrompt?: string;
      /** Patterns of the tools that the client forbids. */
      denied: string[];
      unsupported?: string;
    }
  | { subtype: "interrupt"; cancelsQueued: boolean }
  | { subtype: "set_model"; model?: string }
  | { subtype: "set_permission_mode"; mode: string }
  | { subtype: "mcp_status" };

/** A line that is refused. `asks` is the kind of answer that the client expects to this line. */
export interface BadInput {
  problem: string;
  asks: "result" | "control_response";
  requestId: string;
}

/** Parses a line. Ignores unknown fields, since a client of a newer version may send more fields. */
export function parseInput(line: string): ClaudeInput | BadInput {
  let asks: BadInput["asks"] = "control_response";
  let requestId = "";
  try {
    const message = new FieldReader(parseLine(line), "");
    const type = message.text("type");
    switch (type) {
      case "user":
        asks = "result";
        return readUser(message);
      case "control_request":
        requestId = requiredValue(message.text("request_id"), "request_id");
        return { type, requestId, request: readRequest(message.fields("request")) };
      case "control_response":
        return readResponse(message.fields("response"));
      case "keep_alive":
      case "control_cancel_request": // control requests are answered at once, so nothing is left to cancel
        return { type: "ignored" };
      case undefined:
        throw new MessageProblem('"type" is missing; use user, control_request or control_response');
      default:
        throw new MessageProblem(`unknown type ${quoted(type)}; use user, control_request or control_response`);
    }
  } catch (error) {
    if (error instanceof MessageProblem) return { problem: error.message, asks, requestId };
    throw error;
  }
}

function readUser(line: FieldReader): ClaudeInput {
  const message = line.fields("message");
  const role = message.text("role");
  if (role !== "user") throw new MessageProblem('"message.role" must be "user"');
  if (line.boolean("shouldQuery") === false) throw new MessageProblem('"shouldQuery": false is not supported');
  const content = message.any("content");
  return { type: "user", content: userContent(content), requestId: line.text("uuid"), message: { role, content } };
}

function readRequest(request: FieldReader): ControlRequest {
  const subtype = requiredValue(request.text("subtype"), "request.subtype");
  switch (subtype) {
    case "initialize":
      return readInitialize(request);
    case "interrupt":
      return { subtype, cancelsQueued: request.boolean("cancel_queued") ?? false };
    case "set_model": {
      const model = request.text("model");
      return { subtype, model: model === "default" ? undefined : model };
    }
    case "set_permission_mode":
      return { subtype, mode: requiredValue(request.text("mode"), "request.mode") };
    case "mcp_status":
      return { subtype };
    default:
      throw new MessageProblem(`${quoted(subtype)} is not supported`);
  }
}

function readInitialize(request: FieldReader): ControlRequest {
  const prompts = request.any("systemPrompt") ?? [];
  const texts = Array.isArray(prompts) ? prompts : [prompts];
  if (!texts.every((text) => typeof text === "string")) {
    throw new MessageProblem('"request.systemPrompt" must be a text or a list of texts');
  }
  const append = request.any("appendSystemPrompt") || undefined;
  if (append !== undefined && typeof append !== "string") {
    throw new MessageProblem('"request.appendSystemPrompt" must be a text');
  }
  const forbidden = readForbidden(request.any("disallowedTools") ?? []);
  return {
    subtype: "initialize",
    systemPrompt: texts.filter(Boolean).join("\n\n") || undefined,
    appendSystemPrompt: append,
    denied: forbidden.patterns,
    unsupported: refusedField((name) => request.any(name)) ?? forbidden.unsupported,
  };
}

function readForbidden(given: unknown): { patterns: string[]; unsupported?: string } {
  const lists = Array.isArray(given) ? given : [given];
  if (!lists.every((list) => typeof list === "string")) return { patterns: [], unsupported: "disallowedTools" };
  const { patterns, untranslated } = readToolRules(lists, "forbid");
  return { patterns, unsupported: untranslated[0] && `disallowedTools: ${quoted(untranslated[0])}` };
}

function readResponse(response: FieldReader): ClaudeInput {
  const requestId = requiredValue(response.text("request_id"), "response.request_id");
  const isError = response.text("subtype") !== "success";
  return { type: "control_response", requestId, value: response.any("response"), isError };
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}
