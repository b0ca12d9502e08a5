import { largest } from "../../core/lists/long-lists.js";
import type { Measure, UsageLine } from "./usage-lines.js";

const height = 100;
const dayWidth = 10;
const barWidth = 7;

/** Fewer days are drawn as wide as this many. */
const fewestDays = 14;

interface DayChartProps {
  /** Lines whose keys are dates, such as `2026-11-25`. A day without a line had no usage. */
  lines: readonly UsageLine[];
  measure: Measure;
}

/** Draws a bar for each day. The table shows the same values as numbers. */
export function DayChart({ lines, measure }: DayChartProps) {
  const days = daysOf(lines);
  const most = largest(lines.map(measure.of));
  const [first, last] = [days[0], days.at(-1)];
  return (
    <figure class="card day-chart" aria-hidden="true">
      <figcaption class="small quiet">{measure.name} by day</figcaption>
      <svg
        aria-hidden="true"
        viewBox={`0 0 ${Math.max(days.length, fewestDays) * dayWidth} ${height}`}
        preserveAspectRatio="none"
      >
        {days.map(({ date, line }, index) => {
          const value = line ? measure.of(line) : 0;
          const tall = most > 0 ? (height * value) / most : 0;
          return (
            <rect key={date} x={index * dayWidth + 1.5} y={height - tall} width={barWidth} height={tall}>
              <title>
                {date}: {line ? measure.text(line) : "nothing"}
              </title>
            </rect>
          );
        })}
      </svg>
      <p class="small quiet">
        <span>{first?.date}</span>
        {days.length > 1 && <span>{last?.date}</span>}
      </p>
    </figure>
  );
}

const dayMs = 86_400_000;

/** Returns all days from the first to the last. Days without usage have no line. */
function daysOf(lines: readonly UsageLine[]): { date: string; line?: UsageLine }[] {
  const byDate = new Map(lines.map((line) => [line.key, line]));
  const dates = [...byDate.keys()].sort();
  const [from, to] = [Date.parse(dates[0] ?? ""), Date.parse(dates.at(-1) ?? "")];
  if (Number.isNaN(from) || Number.isNaN(to)) return lines.map((line) => ({ date: line.key, line }));
  return Array.from({ length: (to - from) / dayMs + 1 }, (_, index) => {
    const date = new Date(from + index * dayMs).toISOString().slice(0, 10);
    return { date, line: byDate.get(date) };
  });
}
