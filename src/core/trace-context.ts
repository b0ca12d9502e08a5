/** Spans of a distributed trace, as W3C Trace Context carries them. https://www.w3.org/TR/trace-context/ */
import { hash } from "node:crypto";

export interface TraceContext {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 of them. */
  spanId: string;
  /** The span that this one is part of. */
  parentId?: string;
  /** Tracers, also those of servers, mostly leave out what is not. */
  isSampled: boolean;
  /** `tracestate`: the part of whoever began the trace, passed on as it came. */
  state?: string;
}

/** A trace as a request brings it, and as JSON keeps it. */
export interface CarriedTrace {
  traceparent: string;
  tracestate?: string;
}

/** Whether a trace is kept; `parent`: what the one that it goes on with says of itself. */
export type Samples = (traceId: string, parent: boolean | undefined) => boolean;

interface TraceOptions {
  /** The trace that it goes on with. */
  carried?: CarriedTrace | undefined;
  /** Default: as the parent says, and else yes. */
  samples?: Samples | undefined;
  /** Tells apart the times that it was gone on with. */
  run?: number;
}

/**
 * The span of what `id` names. Without a trace to go on with, it begins one, whose id is the hexadecimal part of the id, so that each can
 * be found by the other. The same id has the same span after a restart.
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

/** A span within that one. The same id has the same span every time. */
export function childOf({ traceId, spanId, isSampled, state }: TraceContext, id: string): TraceContext {
  const child = { traceId, spanId: spanIdOf(id), parentId: spanId, isSampled };
  return state ? { ...child, state } : child;
}

/** The span of what `id` names, within that one or else in a trace of its own. */
export function spanWithin(trace: TraceContext | undefined, id: string, samples?: Samples): TraceContext {
  return trace ? childOf(trace, id) : traceOf(id, { samples });
}

/** As headers, or as members of MCP's `_meta`. */
export function carry({ traceId, spanId, isSampled, state }: TraceContext): CarriedTrace {
  const traceparent = `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
  return state ? { traceparent, tracestate: state } : { traceparent };
}

/** What a request brings, where it is one. Anything else is left out, as the specification has it. */
export function carriedTrace(traceparent: unknown, tracestate: unknown): CarriedTrace | undefined {
  if (typeof traceparent !== "string" || !parsed({ traceparent })) return undefined;
  const isState = typeof tracestate === "string" && /^[\x20-\x7e]{1,512}$/.test(tracestate);
  return isState ? { traceparent, tracestate } : { traceparent };
}

function parsed({ traceparent, tracestate }: CarriedTrace): TraceContext | undefined {
  // A later version may have more at its end; version ff is none.
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

/** An id of our own ends in random digits, which need not be mixed any further. One that is put together from others may end in theirs. */
function spanIdOf(id: string): string {
  if (id.includes("/")) return hexOf(id, 16); // every call of a tool has such a one
  return /^[a-z]+_[0-9a-f]{16}(?!0{16})([0-9a-f]{16})$/.exec(id)?.[1] ?? hexOf(id, 16);
}

function hexOf(text: string, digits: number): string {
  return hash("sha256", text, "hex").slice(0, digits);
}
