import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { elapsedText } from "../../core/text/durations.js";
import type { Api } from "../api/host-client.js";
import type { ShownPart, Tool } from "../api/host-messages.js";
import { useAttempts } from "../api/use-loaded.js";
import { SchemaForm } from "../chat/schema-form.js";
import { Parts } from "../chat/tool-card.js";
import { Alert } from "../markdown/alert.js";
import { CodeBlock } from "../markdown/code-block.js";
import { visibleText } from "../markdown/visible.js";
import { shownCount } from "../shared/format-text.js";
import { useBusy } from "../shared/use-busy.js";
import { Fold } from "./fold.js";

export function ToolList({ tools, api }: { tools: readonly Tool[]; api: Api }) {
  return (
    <ul class="tools">
      {tools.map((tool) => (
        <li key={tool.name}>
          <Fold
            summary={
              <>
                <code>{visibleText(tool.tool)}</code>
                <span class="small quiet"> {shownCount(tool.tokens)} tokens</span>
              </>
            }
          >
            {() => (
              <>
                <p class="small description">{visibleText(tool.description)}</p>
                <Fold summary="Schema">
                  {() => <CodeBlock language="json" text={visibleText(JSON.stringify(tool.input_schema, null, 2))} />}
                </Fold>
                <Trial tool={tool} api={api} />
              </>
            )}
          </Fold>
        </li>
      ))}
    </ul>
  );
}

interface Outcome {
  is_error: boolean;
  content: ShownPart[];
  duration_ms: number;
}

/** A form that runs a tool, and the result. */
function Trial({ tool: { name, input_schema: schema }, api }: { tool: Tool; api: Api }) {
  const outcome = useSignal<Outcome | undefined>(undefined);
  const { failure, attempt } = useAttempts();
  const call = useRef(new AbortController());
  const { isBusy, run } = useBusy((args: object) => {
    outcome.value = undefined;
    call.current = new AbortController();
    return attempt(async () => {
      const options = { method: "POST", body: { arguments: args }, signal: call.current.signal } as const;
      outcome.value = await api.json<Outcome>(`/api/tools/${encodeURIComponent(name)}/call`, options);
    });
  });
  return (
    <>
      <SchemaForm schema={schema} keptAs={`tool ${name}`} isBusy={isBusy} submit="Try tool" onSubmit={run}>
        {isBusy && (
          <button type="button" onClick={() => call.current.abort()}>
            Cancel
          </button>
        )}
      </SchemaForm>
      <div role="status">
        {outcome.value && (
          <>
            <h3>
              {outcome.value.is_error ? "Error" : "Result"}{" "}
              <span class="small quiet">{elapsedText(outcome.value.duration_ms)}</span>
            </h3>
            <Parts parts={outcome.value.content} />
          </>
        )}
      </div>
      <Alert text={failure.value} />
    </>
  );
}
