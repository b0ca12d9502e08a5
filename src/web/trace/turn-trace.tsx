import { useSignal } from "@preact/signals";
import type { TargetedKeyboardEvent } from "preact";
import { useEffect } from "preact/hooks";
import { elapsedText } from "../../core/text/durations.js";
import { messageText } from "../api/attached-file.js";
import type { LiveAnswer, Progress } from "../chat/live-answer.js";
import type { Turn } from "../chat/shown-conversation.js";
import { ProgressLine } from "../chat/tool-card.js";
import { visibleText } from "../markdown/visible.js";
import { CopyStep, RowBody, Text } from "./row-body.js";
import { kindLabels, outcomeLabels, rowLabel, rowNotes, sumsText } from "./row-labels.js";
import { leftRows, type Span, sumsOf, type TraceRow, traceRows } from "./rows.js";
import { userStep } from "./session-step.js";
import { type TimeScale, timeScale } from "./time-scale.js";

const growMs = 250;
const maxTitle = 160;

export interface Happening {
  live: LiveAnswer;
  skewMs: number;
}

export interface TurnTraceProps {
  turn: Turn;
  /** Number of the turn in its conversation, from 1. Undefined if it is not known. */
  number: number | undefined;
  /** Live state of the turn. Absent if the turn is not running. */
  happening?: Happening;
}

export function TurnTrace({ turn, number, happening }: TurnTraceProps) {
  const isRunning = happening !== undefined && !turn.end;
  const now = useNow(isRunning ? happening.skewMs : undefined);
  const rows = isRunning ? traceRows(turn) : leftRows(traceRows(turn));
  const end = Math.max(turn.at, now ?? 0);
  const scale = timeScale(rows, turn.startedAt, end);
  const title = visibleText(turn.text.trim().replaceAll(/\s+/g, " ").slice(0, maxTitle)) || "(no text)";
  const step = userStep(turn.text);
  return (
    <article
      class="card trace-turn"
      aria-label={number === undefined ? `Turn of ${clock(turn.startedAt)}` : `Turn ${number}`}
    >
      <header>
        <p class="small quiet">
          {number !== undefined && `Turn ${number} · `}
          <time dateTime={new Date(turn.startedAt).toISOString()}>{clock(turn.startedAt)}</time> ·{" "}
          {isRunning && "running for "}
          {elapsedText(end - turn.startedAt)}
          {sumsText(sumsOf([turn])) && ` · ${sumsText(sumsOf([turn]))}`}
          {!isRunning && <EndNote turn={turn} />}
        </p>
        <details class="trace-asked">
          <summary>
            <h2>{title}</h2>
          </summary>
          <Text name="You asked" text={messageText(turn)} />
          {step && <CopyStep step={step} />}
        </details>
      </header>
      <ol class="trace-rows" onKeyDown={byArrows}>
        {rows.map((row) => (
          <Row key={row.key} row={row} start={turn.startedAt} end={end} scale={scale} live={happening?.live} />
        ))}
      </ol>
      <p class="trace-axis small quiet" aria-hidden="true">
        <span>
          <span>0</span>
          {scale.isShortened && <span>waits are shortened</span>}
          <span>{elapsedText(end - turn.startedAt)}</span>
        </span>
      </p>
    </article>
  );
}

function EndNote({ turn: { end } }: { turn: Turn }) {
  const note = !end ? "not finished" : "error" in end ? "failed" : end.stopReason.replaceAll("_", " ");
  const isGood = end && "stopReason" in end && end.stopReason === "end_turn";
  return <span class={isGood ? undefined : "bad"}> · {note}</span>;
}

interface TraceRowProps {
  row: TraceRow;
  start: number;
  end: number;
  scale: TimeScale;
  live: LiveAnswer | undefined;
}

function Row({ row, start, end, scale, live }: TraceRowProps) {
  const isOpen = useSignal(false);
  const { kind, outcome, spans } = row;
  const shown = spans.at(-1);
  const from = shown?.from ?? start;
  const took = (shown?.to ?? end) - from;
  const notes = rowNotes(row, live);
  return (
    <li class={`trace-row of-${kind} is-${outcome}`}>
      <details
        onToggle={({ currentTarget }) => {
          isOpen.value = currentTarget.open;
        }}
      >
        <summary>
          <span class="label">
            <span class="unseen">{kindLabels[kind]} </span>
            {visibleText(rowLabel(row))}
          </span>
          <span class="notes small quiet">
            <span class="unseen">{outcomeLabels[outcome]}, </span>
            {visibleText(notes.join(" · "))}
          </span>
          <span class="took small">
            <span class="unseen">took </span>
            {elapsedText(took)}
            <span class="unseen">, from {elapsedText(from - start)} on</span>
          </span>
          <span class="lane" aria-hidden="true">
            {spans.map((span) => (
              <Bar key={span.kind} span={span} end={end} scale={scale} />
            ))}
          </span>
        </summary>
        {isOpen.value && (
          <div class="trace-body">
            <RowBody row={row} />
          </div>
        )}
      </details>
      {kind === "tool" && outcome === "running" && live && (
        <ToolProgress id={row.item.id} progress={live.progress.value} />
      )}
    </li>
  );
}

function ToolProgress({ id, progress }: { id: string; progress: ReadonlyMap<string, Progress> }) {
  const known = progress.get(id);
  return known ? <ProgressLine {...known} /> : null;
}

function Bar({ span: { kind, from, to = undefined }, end, scale }: { span: Span; end: number; scale: TimeScale }) {
  const left = 100 * scale.position(from);
  const width = 100 * scale.position(to ?? end) - left;
  return (
    <span
      class={`span ${kind}${to === undefined ? " open" : ""}`}
      style={{ left: `${left.toFixed(3)}%`, width: `${width.toFixed(3)}%` }}
    />
  );
}

/** Moves the focus between rows: arrow keys to the previous or next row, Home and End to the first or last row. */
function byArrows(event: TargetedKeyboardEvent<HTMLOListElement>): void {
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>(":scope > li > details > summary")];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  const targets: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 };
  const target = rows[targets[event.key] ?? -1];
  if (!target) return;
  event.preventDefault();
  target.focus();
}

/** Returns the current time of the host's clock, updated every `growMs`. Undefined if no turn is running. */
function useNow(skewMs: number | undefined): number | undefined {
  const now = useSignal(Date.now());
  const isRunning = skewMs !== undefined;
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = setInterval(() => {
      now.value = Date.now();
    }, growMs);
    return () => clearInterval(timer);
  }, [isRunning]);
  return isRunning ? now.value + skewMs : undefined;
}

function clock(at: number): string {
  return new Date(at).toLocaleString("en", { dateStyle: "medium", timeStyle: "medium" });
}
