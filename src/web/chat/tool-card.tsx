import { useSignal } from "@preact/signals";
import { indentedJson, isPlainObject, type JsonObject } from "../../core/json.js";
import { elapsedText } from "../../core/text/durations.js";
import type { ShownPart } from "../api/host-messages.js";
import { CopyButton } from "../markdown/code-block.js";
import { SentLink, SentMedia } from "../markdown/media.js";
import { visibleText } from "../markdown/visible.js";
import { shownBytes } from "../shared/format-text.js";
import { CallValues, callLine, objectIn } from "./call-values.js";
import type { Progress } from "./live-answer.js";
import { outcomeOf } from "./question-card.js";
import { calledTool, type ToolItem } from "./shown-conversation.js";

interface ToolCardProps {
  tool: ToolItem;
  progress?: Progress;
  isOver: boolean;
}

export function ToolCard({ tool, progress, isOver }: ToolCardProps) {
  const { result, approval } = tool;
  const state = stateOf(tool, isOver);
  const changed = changedIn(approval?.answer?.value);
  const run = changed ? JSON.stringify(changed) : tool.arguments;
  return (
    <div class={`card tool ${state}`}>
      <details>
        <summary>
          <span class="dot" aria-hidden="true" />
          <span class="name">{visibleText(calledTool(tool))}</span>
          <span class="line quiet small">{callLine(run)}</span>
          <span class="unseen">, {stateLabels[state]}</span>
          <span class="quiet small">{notesOf(tool, state)}</span>
        </summary>
        <div class="inside">
          <h3>{changed ? "Arguments as you changed them" : "Arguments"}</h3>
          <CallValues text={run} />
          {changed && (
            <>
              <h3>In place of what the model wrote</h3>
              <CallValues text={replaced(tool.arguments, changed)} />
            </>
          )}
          {result && (
            <>
              <h3>{result.isError ? "Error" : "Result"}</h3>
              <Parts parts={result.content} />
            </>
          )}
        </div>
      </details>
      {!result && progress && !isOver && <ProgressLine {...progress} />}
    </div>
  );
}

type ToolState = "planned" | "running" | "done" | "failed" | "refused" | "left";

const stateLabels: Record<ToolState, string> = {
  planned: "waiting",
  running: "running",
  done: "done",
  failed: "error",
  refused: "not run",
  left: "not finished",
};

/** Returns the arguments to which an answer has changed the call. */
function changedIn(value: unknown): JsonObject | undefined {
  return isPlainObject(value) && isPlainObject(value.arguments) ? value.arguments : undefined;
}

/** Returns those of the arguments that the model wrote that are others in `changed`, as JSON. */
function replaced(written: string, changed: JsonObject): string {
  const all = Object.entries(objectIn(written) ?? {});
  const isOther = ([name, value]: [string, unknown]) => JSON.stringify(value) !== JSON.stringify(changed[name]);
  return JSON.stringify(Object.fromEntries(all.filter(isOther)));
}

/** Returns what the person has answered, if it is more than a yes for this call, and how long the tool ran. */
function notesOf({ result, sentAt, approval }: ToolItem, state: ToolState): string {
  const answered = approval?.answer && approval.answer.value !== true ? outcomeOf(approval.answer.value) : "";
  const asks = approval && !approval.answer && state === "planned" ? "waits for your answer" : "";
  const took = result && sentAt !== undefined ? elapsedText(result.at - sentAt) : asks || stateLabels[state];
  return [answered, took, result?.isError && sentAt !== undefined && "error"].filter(Boolean).join(" · ");
}

function stateOf({ result, sentAt }: ToolItem, isOver: boolean): ToolState {
  if (result && sentAt === undefined) return "refused";
  if (result) return result.isError ? "failed" : "done";
  if (isOver) return "left";
  return sentAt === undefined ? "planned" : "running";
}

export function ProgressLine({ progress, total, message }: Progress) {
  return (
    <p class="progress small quiet">
      <progress value={total === undefined ? undefined : progress} max={total} aria-label="Progress of the tool" />
      <span>
        {message === undefined ? `${progress}${total === undefined ? "" : ` of ${total}`}` : visibleText(message)}
      </span>
    </p>
  );
}

export function Parts({ parts }: { parts: readonly ShownPart[] }) {
  if (parts.length === 0) return <p class="quiet small">It is empty.</p>;
  return parts.map((part) => <PartView part={part} />);
}

function PartView({ part }: { part: ShownPart }) {
  switch (part.type) {
    case "text":
      return <ResultText text={visibleText(indentedJson(part.text))} />;
    case "image":
    case "audio":
      return <SentMedia {...part} />;
    case "file":
      return <p class="quiet small">A PDF: {visibleText(part.name ?? part.mime_type)}</p>;
    case "resource_link":
      return <SentLink {...part} />;
  }
}

/** Length of a text that is shown whole, in characters. Of a longer text the beginning is shown. */
const mostShown = 4_000;

function ResultText({ text }: { text: string }) {
  const isWhole = useSignal(text.length <= mostShown);
  return (
    <div class="result">
      <pre>{isWhole.value ? text : text.slice(0, mostShown / 2)}</pre>
      <div class="buttons">
        {!isWhole.value && (
          <button
            type="button"
            class="plain"
            onClick={() => {
              isWhole.value = true;
            }}
          >
            Show all {shownBytes(new Blob([text]).size)}
          </button>
        )}
        <CopyButton text={text} what="result" />
      </div>
    </div>
  );
}
