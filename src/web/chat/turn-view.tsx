import { Component } from "preact";
import { maySucceed } from "../../core/errors.js";
import { elapsedText } from "../../core/text/durations.js";
import type { ShownError } from "../api/host-messages.js";
import { UserMessage } from "../attachments/user-message.js";
import { Markdown } from "../markdown/markdown.js";
import { visibleText } from "../markdown/visible.js";
import { useBusy } from "../shared/use-busy.js";
import type { ChatState } from "./chat-state.js";
import { AnswerActions, EditMessage, MessageActions } from "./message-actions.js";
import { QuestionCard } from "./question-card.js";
import { type AnswerItem, type Item, modelOf, type Turn } from "./shown-conversation.js";
import { ToolCard } from "./tool-card.js";

interface TurnViewProps {
  turn: Turn;
  state: ChatState;
  /** True if this turn is the running turn, to which live events belong. */
  isRunning: boolean;
  /** True if this turn waits for an earlier turn that is still running. */
  isWaiting: boolean;
  /** False for the older turns of a long conversation, whose very many buttons would hold up the page. */
  hasActions: boolean;
}

/** View of a turn. It is drawn again only if the turn has changed, since a conversation may have hundreds of turns. */
export class TurnView extends Component<TurnViewProps> {
  override shouldComponentUpdate({ turn, isRunning, isWaiting, hasActions }: TurnViewProps): boolean {
    const { props } = this;
    return (
      turn !== props.turn ||
      isRunning !== props.isRunning ||
      isWaiting !== props.isWaiting ||
      hasActions !== props.hasActions
    );
  }

  override render({ turn, state, isRunning, isWaiting, hasActions }: TurnViewProps) {
    const { items, end } = turn;
    const answers = items.filter(({ kind }) => kind === "answer");
    const shown = items.map((item) => {
      const key = keyOf(item, answers);
      if (item.kind === "answer") return <Answer key={key} item={item} state={state} />;
      return <OtherItem key={key} item={item} turn={turn} state={state} />;
    });
    if (isRunning && !isHeldUp(items)) shown.push(<Answer key={`answer-${answers.length}`} state={state} />);
    return (
      <div class="turn">
        <Asked turn={turn} state={state} hasActions={hasActions} />
        {(isRunning || items.length > 0 || end) && (
          <article class="reply" aria-label={visibleText(modelOf(turn))}>
            {shown}
            {end && <Ending turn={turn} state={state} />}
            {end && hasActions && <AnswerActions turn={turn} state={state} />}
          </article>
        )}
        {isWaiting && <p class="small quiet">It waits for the turn before it.</p>}
      </div>
    );
  }
}

function Asked({ turn, state, hasActions }: Pick<TurnViewProps, "turn" | "state" | "hasActions">) {
  const isEditing = state.editing.value === turn.turnId;
  return (
    <article class="asked" aria-label="You">
      {isEditing ? <EditMessage turn={turn} state={state} /> : <UserMessage {...turn} />}
      {!isEditing && hasActions && <MessageActions turn={turn} state={state} />}
    </article>
  );
}

/**
 * Returns the key of an item. An answer has the same key in the same list while it is being written and when it is complete, so its elements
 * stay in the page.
 */
function keyOf(item: Item, answers: readonly Item[]): string {
  switch (item.kind) {
    case "answer":
      return `answer-${answers.indexOf(item)}`;
    case "tool":
      return `tool-${item.id}-${item.plannedAt}`;
    case "question":
      return item.question.question_id;
    case "compaction":
    case "trim":
      return `${item.kind}-${item.seq}`;
  }
}

/** Returns true while a tool runs or a question is open. The model does not work during this time. */
function isHeldUp(items: readonly Item[]): boolean {
  return items.some((item) => (item.kind === "tool" && !item.result) || (item.kind === "question" && !item.answer));
}

interface OtherItemProps {
  item: Exclude<Item, AnswerItem>;
  turn: Turn;
  state: ChatState;
}

function OtherItem({ item, turn, state }: OtherItemProps) {
  const isOver = turn.end !== undefined;
  switch (item.kind) {
    case "tool":
      return <ToolCard tool={item} progress={state.live.progress.value.get(item.id)} isOver={isOver} />;
    case "question":
      // A question about a call is shown in the card of the call.
      return turn.items.some((each) => each.kind === "tool" && each.approval === item) ? null : (
        <QuestionCard item={item} isOver={isOver} />
      );
    case "compaction":
      return (
        <details class="aside">
          <summary class="small quiet">Older turns were summed up for the model</summary>
          <Markdown text={item.summary} />
        </details>
      );
    case "trim":
      return <p class="small quiet">The oldest turns are left out from here on: the model has no room for them</p>;
  }
}

/** Shows an answer. Without `item`, shows the answer that is being written. */
function Answer({ item, state: { live } }: { item?: AnswerItem; state: ChatState }) {
  const text = item ? item.text : live.text.value;
  const reasoning = item ? item.reasoning : live.reasoning.value;
  const [discard] = item ? [] : live.discards.value.slice(-1);
  return (
    <div class="answer">
      {discard && <p class="small quiet">The answer was restarted: {visibleText(discard)}</p>}
      {reasoning && (
        <details class="aside">
          <summary class="small quiet">{item ? `Reasoning · about ${reasonedText(item)}` : "Reasoning"}</summary>
          <Markdown text={reasoning} />
        </details>
      )}
      {text ? <Markdown text={text} /> : !item && <Thinking isReasoning={reasoning !== ""} />}
      {item?.isInterrupted && <p class="small quiet">The answer broke off here.</p>}
    </div>
  );
}

/** Estimates the time of the reasoning by its share of the text: the log has the time of the whole answer. */
function reasonedText({ from, at, reasoning, text }: AnswerItem): string {
  return elapsedText(((at - from) * reasoning.length) / (reasoning.length + text.length));
}

function Thinking({ isReasoning }: { isReasoning: boolean }) {
  return (
    <p class="thinking small quiet">
      <span class="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      {isReasoning ? "The model reasons" : "Waiting for the model"}
    </p>
  );
}

const endings: Partial<Record<string, string>> = {
  max_tokens: "The answer was cut at the model's token limit.",
  max_tool_hops: "The turn was stopped at its limit of tool hops.",
  budget: "The turn was stopped at a limit.",
  refusal: "The provider's content filter stopped the answer.",
  cancelled: "Cancelled.",
};

function Ending({ turn, state }: { turn: Turn; state: ChatState }) {
  const { end } = turn;
  if (!end) return null;
  if ("error" in end) return <TurnError error={end.error} onAgain={() => state.sendAgain(turn)} />;
  const note = endings[end.stopReason];
  return note ? <p class="note small quiet">{note}</p> : null;
}

function TurnError({
  error: { error, hint, kind, retryable },
  onAgain,
}: {
  error: ShownError;
  onAgain: () => Promise<void>;
}) {
  const { isBusy, run: sendAgain } = useBusy(onAgain);
  return (
    <div class="card error" role="alert">
      <p>{visibleText(error)}</p>
      {hint && <p class="small quiet">{visibleText(hint)}</p>}
      {maySucceed({ kind, retryable }) && (
        <button type="button" disabled={isBusy} onClick={() => void sendAgain()}>
          Send again
        </button>
      )}
    </div>
  );
}
