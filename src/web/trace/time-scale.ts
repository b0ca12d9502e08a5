/** Converts times to positions in a waterfall diagram, from 0 to 1. */
import type { Span, TraceRow } from "./rows.js";

export interface TimeScale {
  position(at: number): number;
  /** True if times without work are drawn shorter than their real length. */
  isShortened: boolean;
}

/** Largest share of the diagram for times without work, if there is also work to show. */
const mostWaiting = 0.25;

/**
 * Returns the scale of a turn from `start` to `end`. A person may take hours to answer, but the work must stay visible. So all times
 * without work together get at most a quarter of the diagram.
 */
export function timeScale(rows: readonly TraceRow[], start: number, end: number): TimeScale {
  const work = joined(
    rows.flatMap(({ spans }) => spans.filter(({ kind }) => kind === "work")),
    start,
    end,
  );
  const workMs = lengthOf(work);
  const restMs = Math.max(0, end - start - workMs);
  const shortMs = (workMs * mostWaiting) / (1 - mostWaiting);
  const isShortened = workMs > 0 && restMs > shortMs;
  const factor = isShortened ? shortMs / restMs : 1;
  const whole = Math.max(1, workMs + restMs * factor);
  const position = (at: number) => {
    const until = Math.min(Math.max(at, start), end);
    const worked = lengthOf(work.map(([from, to]) => [from, Math.min(to, until)] as const));
    return (worked + (until - start - worked) * factor) / whole;
  };
  return { position, isShortened };
}

type Stretch = readonly [from: number, to: number];

function joined(spans: readonly Span[], start: number, end: number): Stretch[] {
  const stretches: [number, number][] = [];
  for (const { from, to = end } of [...spans].sort((a, b) => a.from - b.from)) {
    const last = stretches.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else stretches.push([Math.max(from, start), to]);
  }
  return stretches;
}

function lengthOf(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, [from, to]) => sum + Math.max(0, to - from), 0);
}
