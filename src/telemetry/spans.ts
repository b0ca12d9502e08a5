/** Converts measurements to spans. An `invoke_agent` span contains `chat` and `tools/call` spans. */
import {
  type AttributeValue,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { Measurement } from "../core/measurements.js";
import type { TraceContext } from "../core/trace-context.js";
import { attributes as names } from "./metric-names.js";
import { type Show, type SpanChange, spanChange } from "./span-changes.js";

/**
 * Id generator for the tracer. It returns the ids in `next`, because the host has already chosen them and sends them to servers and
 * providers.
 */
export class ChosenIds {
  next: Pick<TraceContext, "traceId" | "spanId"> = { traceId: "", spanId: "" };
  generateTraceId = () => this.next.traceId;
  generateSpanId = () => this.next.spanId;
}

interface SpansParts {
  tracer: Tracer;
  /** Id generator of the tracer. `next` is set before each start of a span. */
  ids: ChosenIds;
  /** Prepares messages and results for export. Undefined if they are not exported. */
  show: Show | undefined;
}

export class Spans {
  readonly #parts: SpansParts;
  readonly #open = new Map<string, { span: Span; conversationId: AttributeValue | undefined }>();

  constructor(parts: SpansParts) {
    this.#parts = parts;
  }

  readonly record = (fact: Measurement): void => {
    if (!("trace" in fact) || !fact.trace?.isSampled) return;
    const change = spanChange(fact, this.#parts.show);
    const { spanId } = fact.trace;
    if (change?.type === "start") this.#start(fact.trace, change);
    else if (change?.type === "event") this.#open.get(spanId)?.span.addEvent(change.name, change.attributes);
    else if (change) this.#end(spanId, change);
  };

  #start(own: TraceContext, { name, kind, attributes }: Extract<SpanChange, { type: "start" }>): void {
    const { traceId, spanId, parentId = "" } = own;
    // A span within a turn gets the conversation id of the turn's span.
    const conversationId = attributes[names.conversationId] ?? this.#open.get(parentId)?.conversationId;
    const all = { ...attributes, [names.conversationId]: conversationId };
    this.#parts.ids.next = { traceId, spanId };
    const span = this.#parts.tracer.startSpan(name, { kind, attributes: all }, parentOf(own));
    this.#open.set(spanId, { span, conversationId });
  }

  #end(spanId: string, { attributes, error }: Extract<SpanChange, { type: "end" }>): void {
    const { span } = this.#open.get(spanId) ?? {};
    this.#open.delete(spanId);
    span?.setAttributes(attributes);
    if (error) span?.setAttribute(names.errorType, error).setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
  }
}

function parentOf({ traceId, parentId, state }: TraceContext) {
  if (parentId === undefined) return ROOT_CONTEXT;
  const traceState = state === undefined ? undefined : createTraceState(state);
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: parentId, traceFlags: 1, traceState });
}
