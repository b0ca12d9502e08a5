/** Converts a measurement to the change of a span: the start of the span, an event in the span, or the end of the span. */
import { type Attributes, SpanKind } from "@opentelemetry/api";
import type { Measurement } from "../core/measurements.js";
import type { ContentPart, Message, ToolCall, Usage } from "../core/messages.js";
import { boundedLine } from "./bounded.js";
import { agentName, methods, attributes as names, operations, providerName, spanEvents } from "./metric-names.js";
import { transportName } from "./readings.js";

export type SpanChange =
  | { type: "start"; name: string; kind: SpanKind; attributes: Attributes }
  | { type: "event"; name: string; attributes: Attributes }
  | { type: "end"; attributes: Attributes; error: string | undefined };

/** A function that prepares texts of people, models and servers for export. It removes secrets and shortens the text. */
export type Show = (text: string) => string;

/**
 * Returns the change that a measurement makes to its span, or undefined if there is no change. If `show` is undefined, messages and results
 * are not exported.
 */
export function spanChange(fact: Measurement, show: Show | undefined): SpanChange | undefined {
  switch (fact.type) {
    case "turn_started":
      return start(SpanKind.INTERNAL, `${operations.invokeAgent} ${agentName}`, {
        [names.operation]: operations.invokeAgent,
        [names.agentName]: agentName,
        [names.conversationId]: fact.conversationId,
        [names.turnId]: fact.turnId,
      });
    case "turn_ended": {
      return end({ [names.stopReason]: fact.end, ...tokensOf(fact.usage) }, fact.error);
    }
    case "completion_started": {
      const { temperature, maxTokens, messages } = fact.content;
      return start(SpanKind.CLIENT, `${operations.chat} ${boundedLine(fact.model)}`, {
        [names.operation]: operations.chat,
        ...modelOf(fact),
        [names.requestStream]: fact.streaming,
        [names.requestTemperature]: temperature,
        [names.requestMaxTokens]: maxTokens,
        ...addressOf(fact.baseUrl),
        [names.inputMessages]: show?.(messagesJson(messages)),
      });
    }
    case "attempt_failed":
      return event(spanEvents.attemptFailed, {
        ...modelOf(fact),
        [names.errorType]: fact.kind,
        [names.httpStatus]: fact.status,
        [names.isRetried]: fact.isRetried,
        [names.retryDelay]: fact.delayMs / 1000,
      });
    case "fallback_asked":
      return event(spanEvents.fallback, modelOf(fact));
    case "completion_ended": {
      const { usage, firstChunkMs, finishReason, content } = fact;
      return end(
        {
          [names.provider]: providerName(fact.provider),
          [names.responseModel]: finishReason && fact.model,
          [names.finishReasons]: finishReason && [finishReason],
          [names.attempts]: fact.attempts,
          [names.timeToFirstChunk]: firstChunkMs === undefined ? undefined : firstChunkMs / 1000,
          ...tokensOf(usage),
          [names.cost]: fact.usd,
          [names.outputMessages]: content && show?.(messagesJson([content.message])),
        },
        fact.error,
      );
    }
    case "tool_started":
      return start(SpanKind.CLIENT, `${methods.callTool} ${boundedLine(fact.tool)}`, {
        [names.operation]: operations.executeTool,
        [names.mcpMethod]: methods.callTool,
        [names.toolName]: boundedLine(fact.tool),
        // The id as the model chose it, without the prefix of turn and hop that the host adds.
        [names.toolCallId]: fact.callId?.replace(/^[^/]+\/\d+\//, ""),
        [names.mcpServer]: fact.server,
        [names.transport]: transportName(fact.transport),
        [names.toolArguments]: show?.(JSON.stringify(fact.content)),
      });
    case "tool_ended": {
      const status = fact.errorCode === undefined ? undefined : String(fact.errorCode);
      return end(
        { [names.rpcStatus]: status, [names.toolResult]: show?.(JSON.stringify(fact.content.content)) },
        fact.error,
      );
    }
    default:
      return undefined;
  }
}

const start = (kind: SpanKind, name: string, attributes: Attributes): SpanChange => {
  return { type: "start", name, kind, attributes };
};
const event = (name: string, attributes: Attributes): SpanChange => ({ type: "event", name, attributes });
const end = (attributes: Attributes, error: string | undefined): SpanChange => ({ type: "end", attributes, error });

function tokensOf(usage: Usage | undefined): Attributes {
  return {
    [names.inputTokens]: usage?.inputTokens,
    [names.outputTokens]: usage?.outputTokens,
    [names.cachedTokens]: usage?.cachedTokens,
    [names.cacheWriteTokens]: usage?.cacheWriteTokens,
    [names.reasoningTokens]: usage?.reasoningTokens,
  };
}

function modelOf({ provider, model }: { provider: string; model: string }): Attributes {
  return { [names.provider]: providerName(provider), [names.requestModel]: model };
}

function addressOf(url: string): Attributes {
  if (!URL.canParse(url)) return {};
  const { hostname, port, protocol } = new URL(url);
  return { [names.serverAddress]: hostname, [names.serverPort]: Number(port) || (protocol === "https:" ? 443 : 80) };
}

function messagesJson(messages: readonly Message[]): string {
  return JSON.stringify(messages.map((message) => ({ role: message.role, parts: partsOf(message) })));
}

function partsOf(message: Message): object[] {
  switch (message.role) {
    case "system":
      return [text(message.content)];
    case "user":
      return message.content.map(part);
    case "assistant": {
      const { reasoning, content, toolCalls } = message;
      const thought = reasoning ? [{ type: "reasoning", content: reasoning }] : [];
      return [...thought, ...(content ? [text(content)] : []), ...toolCalls.map(call)];
    }
    case "tool":
      return [{ type: "tool_call_response", id: message.toolCallId, response: message.content.map(part) }];
  }
}

function text(content: string): object {
  return { type: "text", content };
}

function call({ id, name, arguments: args }: ToolCall): object {
  return { type: "tool_call", id, name, arguments: args };
}

function part(content: ContentPart): object {
  if (content.type === "text") return text(content.text);
  if (content.type === "resource_link") return { type: "uri", uri: content.uri };
  return { type: "blob", modality: content.type, mime_type: content.mimeType };
}
