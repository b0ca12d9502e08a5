import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { JsonSchema } from "../../core/messages.js";
import { limitAnswers, limitText } from "../../doors/shared/limit-text.js";
import type { ShownQuestion } from "../api/host-messages.js";
import { CodeBlock } from "../markdown/code-block.js";
import { visibleText } from "../markdown/visible.js";
import { shownCount } from "../shared/format-text.js";
import { useBusy } from "../shared/use-busy.js";
import { ApprovalForm, isDestructive, permission } from "./approval-form.js";
import type { ChatState } from "./chat-state.js";
import { SchemaForm } from "./schema-form.js";
import { askedTool, type QuestionItem, runningTurn } from "./shown-conversation.js";

interface QuestionCardProps {
  item: QuestionItem;
  /** True if the question cannot be answered any more, because the turn has ended. */
  isOver: boolean;
}

/** Shows what was answered to a question. A question that is open is shown above the message field: see `QuestionsAboveField`. */
export function QuestionCard({ item, isOver }: QuestionCardProps) {
  if (item.answer || isOver) return <p class="answered small quiet">{answeredText(item)}</p>;
  return <p class="answered small quiet">{shownTitle(item.question)} Waits for your answer below.</p>;
}

/** Shows the open questions of the running turn. */
export function QuestionsAboveField({ state }: { state: ChatState }) {
  const items = runningTurn(state.conversation.value)?.items ?? [];
  const open = items.flatMap((item) => (item.kind === "question" && !item.answer ? [item.question] : []));
  const list = useFocusOfQuestions(open.map(({ question_id }) => question_id));
  const approvals = open.filter((question) => question.kind === "approval");
  const isDangerous = approvals.some(isDestructive);
  const { isBusy, run: allowAll } = useBusy(async () => {
    await Promise.all(approvals.map((question) => state.answer(question.question_id, permission(question))));
  });
  if (open.length === 0) return null;
  return (
    <div class="questions" ref={list}>
      {approvals.length > 1 && (
        <p class="card all">
          {approvals.length} calls wait for you.
          <button type="button" class={isDangerous ? "" : "main"} disabled={isBusy} onClick={() => void allowAll()}>
            Allow all
          </button>
        </p>
      )}
      <ul>
        {open.map((question) => (
          <OpenQuestion
            key={question.question_id}
            question={question}
            onAnswer={(value) => state.answer(question.question_id, value)}
          />
        ))}
      </ul>
    </div>
  );
}

/**
 * Focuses the first question when one is asked, and when the focused one was answered. Focuses the card and not a button. Otherwise a line that
 * the user is typing could confirm the question.
 */
function useFocusOfQuestions(ids: readonly string[]) {
  const list = useRef<HTMLDivElement>(null);
  const seen = useRef(new Set<string>());
  useEffect(() => {
    const isNew = ids.some((id) => !seen.current.has(id));
    for (const id of ids) seen.current.add(id);
    const focused = document.activeElement;
    if (list.current?.contains(focused) || !(isNew || focused === document.body)) return;
    list.current?.querySelector<HTMLElement>(".question")?.focus({ preventScroll: false });
  }, [ids.join()]);
  return list;
}

interface Answering {
  isBusy: boolean;
  onAnswer: (value: unknown) => Promise<void>;
}

function OpenQuestion({ question, onAnswer }: { question: ShownQuestion } & Pick<Answering, "onAnswer">) {
  const { isBusy, run: answerOnce } = useBusy(onAnswer);
  const id = `question-${question.question_id}`;
  return (
    <li class="card question" aria-labelledby={id} tabIndex={-1}>
      <h3 id={id}>{shownTitle(question)}</h3>
      {bodyOf(question, { onAnswer: answerOnce, isBusy })}
    </li>
  );
}

function shownTitle(question: ShownQuestion): string {
  switch (question.kind) {
    case "approval":
      return `Run ${visibleText(askedTool(question))}?`;
    case "elicitation":
      return `${visibleText(question.server)} asks`;
    case "sampling":
      return `${visibleText(question.server)} wants to ask the model`;
    case "limit":
      return "A limit is reached";
  }
}

function bodyOf(question: ShownQuestion, answering: Answering): ComponentChildren {
  switch (question.kind) {
    case "approval":
      return <ApprovalForm question={question} {...answering} />;
    case "elicitation":
      return "form" in question ? (
        <>
          <p>{visibleText(question.message)}</p>
          <ServerForm schema={question.form} questionId={question.question_id} {...answering} />
        </>
      ) : (
        <PageVisit question={question} {...answering} />
      );
    case "sampling":
      return (
        <>
          <p class="quiet small">It costs you up to {shownCount(question.max_tokens)} tokens.</p>
          <CodeBlock language="prompt" text={visibleText(question.prompt)} wraps />
          <YesNo yes="Allow" no="Deny" {...answering} />
        </>
      );
    case "limit":
      return (
        <>
          <p>{asSentence(limitText(question))}</p>
          <p class="quiet small">
            Go on: {limitAnswers.yes}. Stop: {limitAnswers.no}.
          </p>
          <YesNo yes="Go on" no="Stop" {...answering} />
        </>
      );
  }
}

function ServerForm({ schema, questionId, onAnswer, isBusy }: { schema: JsonSchema; questionId: string } & Answering) {
  return (
    <SchemaForm
      schema={schema}
      keptAs={questionId}
      isBusy={isBusy}
      submit="Send"
      onSubmit={(content) => onAnswer({ action: "accept", content })}
    >
      <button type="button" class="no" disabled={isBusy} onClick={() => void onAnswer({ action: "decline" })}>
        Decline
      </button>
      <button type="button" disabled={isBusy} onClick={() => void onAnswer({ action: "cancel" })}>
        Cancel
      </button>
    </SchemaForm>
  );
}

function PageVisit({ question, onAnswer, isBusy }: { question: { message: string; url: string } } & Answering) {
  const page = URL.canParse(question.url) ? new URL(question.url) : undefined;
  const isWeb = page?.protocol === "https:" || page?.protocol === "http:";
  return (
    <>
      <p>{visibleText(question.message)}</p>
      <p class="address">
        {page && isWeb ? (
          <a href={page.href} target="_blank" rel="noopener noreferrer">
            Open <strong>{page.host}</strong>
          </a>
        ) : (
          "This is not an address of the web: "
        )}
        <code>{visibleText(question.url)}</code>
      </p>
      <YesNo
        yes="Done there"
        no="Decline"
        isBusy={isBusy}
        onAnswer={(isDone) => onAnswer({ action: isDone ? "accept" : "decline" })}
      />
    </>
  );
}

function YesNo({ yes, no, onAnswer, isBusy }: { yes: string; no: string } & Answering) {
  return (
    <div class="buttons">
      <button type="button" class="main" disabled={isBusy} onClick={() => void onAnswer(true)}>
        {yes}
      </button>
      <button type="button" class="no" disabled={isBusy} onClick={() => void onAnswer(false)}>
        {no}
      </button>
    </div>
  );
}

function asSentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function answeredText({ question, answer }: QuestionItem): string {
  const what = question.kind === "approval" ? visibleText(askedTool(question)) : shownTitle(question);
  return `${what}: ${answer ? outcomeOf(answer.value) : "not answered"}`;
}

export function outcomeOf(value: unknown): string {
  if (value === true) return "allowed";
  if (typeof value !== "object" || value === null) return "denied";
  if ("action" in value) return { accept: "answered", decline: "declined" }[String(value.action)] ?? "cancelled";
  if (!("allow" in value) || value.allow !== true) return "denied";
  const scope = "remember" in value ? { session: "this conversation", project: "this project", always: "always" } : {};
  const remembered = "remember" in value ? (scope as Record<string, string>)[String(value.remember)] : undefined;
  const allowed = "arguments" in value ? "allowed with changed arguments" : "allowed";
  return remembered ? `${allowed} (${remembered})` : allowed;
}
