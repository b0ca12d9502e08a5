import { indentedJson } from "../../core/json.js";
import { elapsedText } from "../../core/text/durations.js";
import type { ShownPart } from "../api/host-messages.js";
import { CodeBlock } from "../markdown/code-block.js";
import { ForeignLink } from "../markdown/foreign-link.js";
import { visibleText } from "../markdown/visible.js";
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
          <CodeBlock language="json" text={visibleText(indentedJson(tool.arguments))} />
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
      return <CodeBlock language="" text={visibleText(indentedJson(part.text))} />;
    case "image":
      return (
        <img class="sent" src={`data:${mediaType(part.mime_type, "image")};base64,${part.data}`} alt="From the tool" />
      );
    case "audio":
      return (
        // biome-ignore lint/a11y/useMediaCaption: no captions exist
        <audio controls src={`data:${mediaType(part.mime_type, "audio")};base64,${part.data}`} />
      );
    case "resource_link":
      return (
        <p class="small">
          <ForeignLink href={part.uri}>{visibleText(part.name ?? part.uri)}</ForeignLink>{" "}
          <span class="quiet">{visibleText(part.uri)}</span>
        </p>
      );
  }
}

/** Returns the media type if it belongs to the family. Otherwise returns the family as a wildcard, since a server may send any type. */
function mediaType(type: string, family: "image" | "audio"): string {
  return new RegExp(`^${family}/[a-z0-9.+-]+$`).test(type) ? type : `${family}/*`;
}
