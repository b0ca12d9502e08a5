import "../styles/usage.css";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Api, ApiFailure } from "../api/host-client.js";
import { visibleText } from "../markdown/visible.js";
import { linkTo } from "../shared/page-address.js";
import { type By, bys, spans, type UsageAnswer, type UsageSpan } from "../usage/usage-lines.js";
import { UsageTable } from "../usage/usage-table.js";

export interface UsageProps {
  api: Api;
}

const byLabels: Record<By, string> = {
  day: "Day",
  model: "Model",
  conversation: "Conversation",
  tool: "Tool",
  server: "Server",
};

export function UsageView({ api }: UsageProps) {
  const by = useSignal<By>("day");
  const since = useSignal<UsageSpan>("7d");
  const usage = useSignal<UsageAnswer | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  useEffect(() => {
    const left = new AbortController();
    api.json<UsageAnswer>(`/api/usage?by=${by.value}&since=${since.value}`, { signal: left.signal }).then(
      (answer) => {
        usage.value = answer;
        problem.value = undefined;
      },
      (error: unknown) => {
        if (left.signal.aborted) return;
        if (!(error instanceof ApiFailure)) throw error;
        usage.value = undefined;
        problem.value = error.status === 404 ? "This host keeps no account of usage." : error.message;
      },
    );
    return () => left.abort();
  }, [by.value, since.value]);
  return (
    <section class="page usage">
      <header class="title">
        <h1>Usage</h1>
        <label class="since small">
          <span class="quiet">Since </span>
          <select
            value={since.value}
            onChange={({ currentTarget }) => {
              since.value = currentTarget.value as UsageSpan;
            }}
          >
            {Object.entries(spans).map(([value, words]) => (
              <option value={value}>{words}</option>
            ))}
          </select>
        </label>
      </header>
      <fieldset class="segments">
        <legend class="unseen">By</legend>
        {bys.map((each) => (
          <button
            type="button"
            aria-pressed={each === by.value}
            onClick={() => {
              by.value = each;
            }}
          >
            {byLabels[each]}
          </button>
        ))}
      </fieldset>
      {problem.value && (
        <p class="quiet" role="alert">
          {visibleText(problem.value)}
        </p>
      )}
      {usage.value?.lines.length === 0 && <p class="quiet">Nothing was used in this time.</p>}
      {usage.value && usage.value.lines.length > 0 && (
        <UsageTable
          key={usage.value.by}
          usage={usage.value}
          name={byLabels[usage.value.by]}
          linkOf={(key) => (usage.value?.by === "conversation" ? linkTo("trace", key) : undefined)}
        />
      )}
    </section>
  );
}
