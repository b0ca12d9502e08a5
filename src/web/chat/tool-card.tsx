import { useSignal } from "@preact/signals";
import { indentedJson } from "../../core/json.js";
import { elapsedText } from "../../core/text/durations.js";
import type { ShownPart } from "../api/host-messages.js";
import { CodeBlock, CopyButton } from "../markdown/code-block.js";
import { SentLink, SentMedia } from "../markdown/media.js";
import { visibleText } from "../markdown/visible.js";
import { shownBytes } from "../shared/format-text.js";
import type { Progress } from "./live-answer.js";
import type { ToolItem } from "./shown-conversation.js";

interface ToolCardProps {
  tool: ToolItem;
  progress?: Progress;
  isOver: boolean;
}

export function ToolCard({ tool, progress, isOver }: ToolCardProps) {
  const { name, result, sentAt } = tool;
  const state = stateOf(tool, isOver);
  return (
    <div class={`card tool ${state}`}>
      <details>
        <summary>
          <span class="dot" aria-hidden="true" />
          <span class="name">{visibleText(name)}</span>
          <span class="unseen">, {stateLabels[state]}</span>
          <span class="quiet small">
            {result && sentAt !== undefined ? elapsedText(result.at - sentAt) : stateLabels[state]}
            {result?.isError && sentAt !== undefined && " · error"}
          </span>
        </summary>
        <div class="inside">
          <h3>Arguments</h3>
          <CodeBlock language="json" text={visibleText(indentedJson(tool.arguments))} wraps />
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
