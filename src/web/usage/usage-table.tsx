import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { largest } from "../../core/lists/long-lists.js";
import { visibleText } from "../markdown/visible.js";
import { shownCount } from "../shared/format-text.js";
import { DayChart } from "./day-chart.js";
import { firstMeasure, type Measure, measuresOf, type UsageAnswer, type UsageLine } from "./usage-lines.js";

interface UsageTableProps {
  usage: UsageAnswer;
  /** Heading of the column with the keys. */
  name: string;
  linkOf: (key: string) => string | undefined;
}

export function UsageTable({ usage, name, linkOf }: UsageTableProps) {
  const measures = measuresOf(usage);
  const chosen = useSignal<Measure>(firstMeasure(usage));
  const most = largest(usage.lines.map(chosen.value.of));
  return (
    <>
      {usage.by === "day" && <DayChart lines={usage.lines} measure={chosen.value} />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable element must be reachable by keyboard */}
      <section class="wide" tabIndex={0} aria-label={`Usage by ${name.toLowerCase()}`}>
        <table class="usage-table">
          <thead>
            <tr>
              <th scope="col">{name}</th>
              {measures.map((measure) => (
                <th scope="col" class="number">
                  <button
                    type="button"
                    class="plain"
                    aria-pressed={measure === chosen.value}
                    title={`Bars show: ${measure.name}`}
                    onClick={() => {
                      chosen.value = measure;
                    }}
                  >
                    {measure.name}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {usage.lines.map((line) => (
              <tr key={line.key}>
                <th scope="row">
                  {keyOf(line.title || line.key, linkOf(line.key))}
                  {usage.by !== "day" && (
                    <span class="usage-bar" aria-hidden="true">
                      <span style={{ width: `${share(chosen.value.of(line), most)}%` }} />
                    </span>
                  )}
                </th>
                <Cells line={line} measures={measures} />
              </tr>
            ))}
          </tbody>
          <tfoot>
            {usage.rest && (
              <tr>
                <th scope="row">{shownCount(usage.rest.lines)} others</th>
                <Cells line={usage.rest} measures={measures} />
              </tr>
            )}
            <tr>
              <th scope="row">All</th>
              <Cells line={usage.total} measures={measures} />
            </tr>
          </tfoot>
        </table>
      </section>
    </>
  );
}

function Cells({ line, measures }: { line: UsageLine; measures: readonly Measure[] }) {
  return (
    <>
      {measures.map((measure) => (
        <td class="number">{measure.text(line)}</td>
      ))}
    </>
  );
}

function keyOf(text: string, link: string | undefined): ComponentChildren {
  const shown = visibleText(text) || "(none)";
  return link ? <a href={link}>{shown}</a> : shown;
}

function share(value: number, most: number): number {
  return most > 0 ? (100 * value) / most : 0;
}
