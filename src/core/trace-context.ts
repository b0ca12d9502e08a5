/** Spans of a distributed trace, as in W3C Trace Context. https://www.w3.org/TR/trace-context/ */
import { hash } from "node:crypto";

export interface TraceContext {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
  parentId?: string;
  /** False if the trace should not be recorded. Most tracers, including those of servers, obey this flag. */
  isSampled: boolean;
  /** Value of the header `tracestate`: data from the vendor of the system in which the trace began. It is passed on unchanged. */
  state?: string;
}

/** A trace in the form that requests and stored JSON use. */
export interface CarriedTrace {
  traceparent: string;
  tracestate?: string;
}

/** Decides whether a trace is recorded. `parent`: the decision of the parent span; undefined if there is no parent. */
export type Samples = (traceId: string, parent: boolean | undefined) => boolean;

interface TraceOptions {
  carried?: CarriedTrace | undefined;
  /** Decides whether the trace is recorded. Default: the decision of the parent span; without a parent, the trace is recorded. */
  samples?: Samples | undefined;
  /** Number of the run. A turn that is resumed has several runs, and each has its own span. */
  run?: number;
}

/**
 * Returns the span for this id. If there is no trace to continue, starts a trace. Its trace id is the hexadecimal part of `id`, so that
 * people can find one by the other. The same id always gives the same span, even after a restart.
 */
export function traceOf(id: string, { carried, samples, run }: TraceOptions = {}): TraceContext {
  const parent = carried && parsed(carried);
  const traceId = parent?.traceId ?? /(?!0+$)[0-9a-f]{32}$/.exec(id)?.[0] ?? hexOf(id, 32);
  const isSampled = samples?.(traceId, parent?.isSampled) ?? parent?.isSampled ?? true;
  const spanId = spanIdOf(run === undefined ? id : `${id}/${run}`);
  if (!parent) return { traceId, spanId, isSampled };
  const { spanId: parentId, state } = parent;
  return { traceId, spanId, parentId, isSampled, ...(state && { state }) };
}

/** Returns the child span for this id. The same id always gives the same span. */
export function childOf({ traceId, spanId, isSampled, state }: TraceContext, id: string): TraceContext {
  const child = { traceId, spanId: spanIdOf(id), parentId: spanId, isSampled };
  return state ? { ...child, state } : child;
}

/** Returns the span for this id: a child span of `trace` or, if `trace` is undefined, the root span of a new trace. */
export function spanWithin(trace: TraceContext | undefined, id: string, samples?: Samples): TraceContext {
  return trace ? childOf(trace, id) : traceOf(id, { samples });
}

/** Returns the trace as request headers. MCP's `_meta` has members with the same names. */
export function carry({ traceId, spanId, isSampled, state }: TraceContext): CarriedTrace {
  const traceparent = `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
  return state ? { traceparent, tracestate: state } : { traceparent };
}

/** Reads the trace of a request. Ignores invalid values, as the specification requires. */
export function carriedTrace(traceparent: unknown, tracestate: unknown): CarriedTrace | undefined {
  if (typeof traceparent !== "string" || !parsed({ traceparent })) return undefined;
  const isState = typeof tracestate === "string" && /^[\x20-\x7e]{1,512}$/.test(tracestate);
  return isState ? { traceparent, tracestate } : { traceparent };
}

function parsed({ traceparent, tracestate }: CarriedTrace): TraceContext | undefined {
  // Later versions of the header may be longer. Version ff is invalid.
  const form = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
  const [, traceId, spanId, flags = ""] = form.exec(traceparent) ?? [];
  if (!traceId || !spanId || (traceparent.startsWith("00") && traceparent.length !== 55)) return undefined;
  return {
    traceId,
    spanId,
    isSampled: (Number.parseInt(flags, 16) & 1) === 1,
    ...(tracestate && { state: tracestate }),
  };
}

/**
 * Returns the random digits at the end of an id that `newId` created. For any other id, returns a hash. An id that is composed of other ids
 * is hashed too, since it may end in the digits of one of them.
 */
function spanIdOf(id: string): string {
  if (id.includes("/")) return hexOf(id, 16); // an id with a `/` is composed of other ids, such as the id of each tool call
  return /^[a-z]+_[0-9a-f]{16}(?!0{16})([0-9a-f]{16})$/.exec(id)?.[1] ?? hexOf(id, 16);
}

function hexOf(text: string, digits: number): string {
  return hash("sha256", text, "hex").slice(0, digits);
}
