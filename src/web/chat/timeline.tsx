import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { elapsedText } from "../../core/text/durations.js";
import { visibleText } from "../markdown/visible.js";
import { shownCount, shownDollars } from "../shared/format-text.js";
import { type LiveAnswer, liveNote } from "./live-answer.js";
import type { Turn } from "./shown-conversation.js";
import { type RowSpan, timelineRows } from "./timeline-rows.js";

const growMs = 200;

interface TimelineProps {
  turn: Turn;
  live: LiveAnswer;
  skewMs: number;
}

export function Timeline({ turn, live, skewMs }: TimelineProps) {
  const now = useSignal(Date.now() + skewMs);
  const isRunning = !turn.end;
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = setInterval(() => {
      now.value = Date.now() + skewMs;
    }, growMs);
    return () => clearInterval(timer);
  }, [isRunning, skewMs]);
  const rows = timelineRows(turn, isRunning ? liveNote(live) : "");
  const end = isRunning ? Math.max(now.value, turn.at) : turn.at;
  const totalMs = Math.max(1, end - turn.startedAt);
  return (
    <div class="timeline">
      <p class="small quiet">
        {isRunning ? "Running for" : "Took"} {elapsedText(totalMs)}
        {spentText(turn)}
      </p>
      <ol>
        {rows.map((row) => (
          <Row {...row} end={end} start={turn.startedAt} totalMs={totalMs} />
        ))}
      </ol>
    </div>
  );
}

function Row({
  kind,
  label,
  note,
  from,
  to,
  isBad,
  end,
  start,
  totalMs,
}: RowSpan & { end: number; start: number; totalMs: number }) {
  const left = Math.min(99, Math.max(0, (100 * (from - start)) / totalMs));
  const width = Math.max(1, Math.min(100 - left, (100 * ((to ?? end) - from)) / totalMs));
  return (
    <li class={`row ${kind}${isBad ? " bad" : ""}${to === undefined ? " open" : ""}`}>
      <span class="label">
        <span class="unseen">{kind === "wait" ? "waiting for " : `${kind} `}</span>
        {visibleText(label)}
      </span>
      <span class="took small quiet">
        {note && `${note} · `}
        {elapsedText((to ?? end) - from)}
      </span>
      <span class="track" aria-hidden="true">
        <span class="bar" style={{ left: `${left}%`, width: `${width}%` }} />
      </span>
    </li>
  );
}

/** Returns the tokens and the cost of a turn as the end of a line. Empty if they are not known. */
export function spentText({ items }: Turn): string {
  const usages = items.flatMap((item) => (item.kind === "answer" && item.usage ? [item.usage] : []));
  if (usages.length === 0) return "";
  const tokens = usages.reduce((sum, { input_tokens, output_tokens }) => sum + input_tokens + output_tokens, 0);
  const usd = usages.reduce((sum, { cost_usd = 0 }) => sum + cost_usd, 0);
  return ` · ${shownCount(tokens)} tokens${usd > 0 ? ` · ${shownDollars(usd)}` : ""}`;
}
