import type { ComponentChildren } from "preact";
import { indentedJson } from "../../core/json.js";
import { elapsedText } from "../../core/text/durations.js";
import type { AnswerUsage } from "../api/host-messages.js";
import type { AnswerItem, QuestionItem, ToolItem } from "../chat/shown-conversation.js";
import { Parts } from "../chat/tool-card.js";
import { CodeBlock, CopyButton } from "../markdown/code-block.js";
import { visibleText } from "../markdown/visible.js";
import { shownCount, shownDollars } from "../shared/format-text.js";
import type { TraceRow } from "./rows.js";
import { serverTool, toolStep } from "./session-step.js";

export function RowBody({ row }: { row: TraceRow }) {
  switch (row.kind) {
    case "model":
      return <AnswerBody item={row.item} />;
    case "asking":
      return <p class="quiet small">The answer is shown here once it is in the log.</p>;
    case "tool":
      return <ToolBody item={row.item} together={row.together} />;
    case "question":
      return <QuestionBody {...row.item} />;
    case "compaction":
      return <Text name="Summary" text={row.item.summary} />;
    case "failure":
      return (
        <>
          <Text name="Error" text={row.error.error} />
          {row.error.hint && <p class="small">{visibleText(row.error.hint)}</p>}
        </>
      );
  }
}

function AnswerBody({ item }: { item: AnswerItem }) {
  const { provider, model, attempts, finishReason, usage, text, reasoning } = item;
  return (
    <>
      <Facts
        facts={{
          Model: `${provider}/${model}`,
          "Ended with": finishReason,
          "HTTP requests": shownCount(attempts),
          "Tokens in": usage && tokensIn(usage),
          "Tokens out": usage && tokens(usage.output_tokens, { "for reasoning": usage.reasoning_tokens }),
          Cost: usage?.cost_usd === undefined ? "not known" : shownDollars(usage.cost_usd),
        }}
      />
      {reasoning && <Text name="Reasoning" text={reasoning} />}
      {text && <Text name="Text" text={text} />}
    </>
  );
}

function tokensIn({ input_tokens, cached_tokens, cache_write_tokens }: AnswerUsage): string {
  return tokens(input_tokens, { "from the cache": cached_tokens, "written to the cache": cache_write_tokens });
}

/**
 * Formats a number of tokens, such as `1,200, of them 800 from the cache`. `parts` maps the description of a part to its number of tokens.
 */
function tokens(number: number, parts: Record<string, number | undefined>): string {
  const known = Object.entries(parts).flatMap(([what, part]) => (part ? [`${shownCount(part)} ${what}`] : []));
  return known.length > 0 ? `${shownCount(number)}, of them ${known.join(", ")}` : shownCount(number);
}

interface ToolBodyProps {
  item: ToolItem;
  together: number;
}

function ToolBody({ item, together }: ToolBodyProps) {
  const { name, plannedAt, sentAt, result, approval } = item;
  const known = serverTool(name, approval?.question);
  const step = known && toolStep(known, item.arguments);
  return (
    <>
      <Facts
        facts={{
          Server: known?.server,
          Waited: sentAt !== undefined && sentAt > plannedAt ? elapsedText(sentAt - plannedAt) : undefined,
          Ran: sentAt !== undefined && result ? elapsedText(result.at - sentAt) : undefined,
          "At the same time":
            together > 0 ? `${together === 1 ? "another call" : `${together} other calls`}` : undefined,
          "Asked because": approval?.question.kind === "approval" ? approval.question.reason : undefined,
          "Your answer": approval?.answer && JSON.stringify(approval.answer.value),
        }}
      />
      <Text name="Arguments" text={indentedJson(item.arguments)} language="json" />
      {result && (
        <section>
          <h3>{result.isError ? "Error" : "Result"}</h3>
          <Parts parts={result.content} />
        </section>
      )}
      {step && <CopyStep step={step} />}
    </>
  );
}

function QuestionBody({ question, answer }: QuestionItem) {
  const { question_id: _, kind: __, ...asked } = question;
  return (
    <>
      <Text name="Question" text={JSON.stringify(asked, null, 2)} language="json" />
      {answer && <Text name="Answer" text={JSON.stringify(answer.value, null, 2)} language="json" />}
    </>
  );
}

export function CopyStep({ step }: { step: string }) {
  return (
    <p class="buttons">
      <CopyButton text={step} label="Copy as session step" />
    </p>
  );
}

export function Text({ name, text, language = "" }: { name: string; text: string; language?: string }) {
  return (
    <section>
      <h3>{name}</h3>
      <CodeBlock language={language} text={visibleText(text)} />
    </section>
  );
}

function Facts({ facts }: { facts: Record<string, ComponentChildren> }) {
  const known = Object.entries(facts).filter(([, value]) => value !== undefined && value !== null);
  if (known.length === 0) return null;
  return (
    <dl class="fact-list">
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{typeof value === "string" ? visibleText(value) : value}</dd>
        </div>
      ))}
    </dl>
  );
}
