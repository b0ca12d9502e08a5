import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { JsonSchema } from "../../core/messages.js";
import { limitAnswers, limitText } from "../../doors/shared/limit-text.js";
import type { ShownQuestion } from "../api/host-messages.js";
import { keepForm } from "../api/unsent.js";
import { CodeBlock } from "../markdown/code-block.js";
import { visibleText } from "../markdown/visible.js";
import { shownCount } from "../shared/format-text.js";
import { useBusy } from "../shared/use-busy.js";
import { CallValues } from "./call-values.js";
import type { ChatState } from "./chat-state.js";
import { SchemaForm } from "./schema-form.js";
import { type QuestionItem, runningTurn } from "./shown-conversation.js";

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
  const open = items.filter((item): item is QuestionItem => item.kind === "question" && !item.answer);
  if (open.length === 0) return null;
  return (
    <div class="questions">
      {open.map(({ question }) => (
        <OpenQuestion
          key={question.question_id}
          question={question}
          onAnswer={(value) => state.answer(question.question_id, value)}
        />
      ))}
    </div>
  );
}

interface Answering {
  isBusy: boolean;
  onAnswer: (value: unknown) => Promise<void>;
}

function OpenQuestion({ question, onAnswer }: { question: ShownQuestion } & Pick<Answering, "onAnswer">) {
  const card = useRef<HTMLElement>(null);
  const { isBusy, run: answerOnce } = useBusy(onAnswer);
  // Focuses the card and not a button. Otherwise a line that the user is typing could confirm the question.
  useEffect(() => card.current?.focus({ preventScroll: false }), []);
  const id = `question-${question.question_id}`;
  return (
    <section class="card question" aria-labelledby={id} tabIndex={-1} ref={card}>
      <h3 id={id}>{shownTitle(question)}</h3>
      {bodyOf(question, { onAnswer: answerOnce, isBusy })}
    </section>
  );
}

function shownTitle(question: ShownQuestion): string {
  switch (question.kind) {
    case "approval":
      return `Run ${visibleText(question.server)}.${visibleText(question.tool)}?`;
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
      return <Approval question={question} {...answering} />;
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

/** The server's descriptions of a tool, in words for the person. */
const effects: Record<string, string> = {
  "read-only": "The server says that this changes nothing.",
  idempotent: "The server says that a second call with the same values changes nothing more.",
  destructive: "The server says that this may overwrite or delete something.",
  "open-world": "The server says that this reaches beyond it, such as the internet.",
};

function Approval({
  question,
  onAnswer,
  isBusy,
}: { question: Extract<ShownQuestion, { kind: "approval" }> } & Answering) {
  const allow = (remember?: "session" | "project" | "always") => () =>
    void onAnswer(remember ? { allow: true, remember } : true);
  return (
    <>
      <p class="quiet">{visibleText(question.reason)}</p>
      {question.annotations?.map((annotation) => (
        <p class="small">{effects[annotation] ?? visibleText(annotation)}</p>
      ))}
      <CallValues text={question.arguments} />
      <div class="buttons">
        <button type="button" class="main" disabled={isBusy} onClick={allow()}>
          Allow once
        </button>
        <button type="button" class="no" disabled={isBusy} onClick={() => void onAnswer(false)}>
          Deny
        </button>
        {!question.once_only && (
          <fieldset class="scopes" disabled={isBusy}>
            <legend class="small quiet">Allow this tool for</legend>
            <button type="button" onClick={allow("session")}>
              this conversation
            </button>
            <button type="button" onClick={allow("project")}>
              this project
            </button>
            <button type="button" onClick={allow("always")}>
              always
            </button>
          </fieldset>
        )}
      </div>
    </>
  );
}

function ServerForm({ schema, questionId, onAnswer, isBusy }: { schema: JsonSchema; questionId: string } & Answering) {
  const answer = (value: unknown) => {
    keepForm(questionId, undefined);
    return onAnswer(value);
  };
  return (
    <SchemaForm
      schema={schema}
      keptAs={questionId}
      isBusy={isBusy}
      submit="Send"
      onSubmit={(content) => answer({ action: "accept", content })}
    >
      <button type="button" class="no" disabled={isBusy} onClick={() => void answer({ action: "decline" })}>
        Decline
      </button>
      <button type="button" disabled={isBusy} onClick={() => void answer({ action: "cancel" })}>
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
  const what = question.kind === "approval" ? visibleText(`${question.server}.${question.tool}`) : shownTitle(question);
  return `${what}: ${answer ? outcome(answer.value) : "not answered"}`;
}

function outcome(value: unknown): string {
  if (value === true) return "allowed";
  if (typeof value !== "object" || value === null) return "denied";
  if ("action" in value) return { accept: "answered", decline: "declined" }[String(value.action)] ?? "cancelled";
  if (!("allow" in value) || value.allow !== true) return "denied";
  const scope = "remember" in value ? { session: "this conversation", project: "this project", always: "always" } : {};
  const remembered = "remember" in value ? (scope as Record<string, string>)[String(value.remember)] : undefined;
  return remembered ? `allowed (${remembered})` : "allowed";
}
