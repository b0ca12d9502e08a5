import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { BlockSplitter } from "../markdown/blocks.js";
import { visibleText } from "../markdown/visible.js";
import type { ChatState } from "./chat-state.js";
import { openQuestion, runningTurn, type Turn } from "./shown-conversation.js";

/** Announces the running turn to screen readers: each paragraph of the answer, the tools, the questions and the end of the turn. */
export function Announcer({ state }: { state: ChatState }) {
  const said = useSignal("");
  const splitter = useRef(new BlockSplitter());
  const told = useRef(0);
  const turn = useComputed(() => runningTurn(state.conversation.value) ?? state.conversation.value.turns.at(-1));
  const news = useComputed(() => newsOf(turn.value));
  useSignalEffect(() => {
    said.value = news.value;
  });
  useSignalEffect(() => {
    const { closed } = splitter.current.split(state.live.text.value);
    if (closed.length < told.current) told.current = 0;
    if (closed.length > told.current) said.value = visibleText(closed.slice(told.current).join("\n"));
    told.current = closed.length;
  });
  return (
    <p class="unseen" aria-live="polite">
      {said.value}
    </p>
  );
}

function newsOf(turn: Turn | undefined): string {
  if (!turn) return "";
  if (turn.end) return "error" in turn.end ? `The turn failed: ${turn.end.error.error}` : lastWords(turn);
  const question = openQuestion(turn);
  if (question) return "The turn waits for your answer.";
  const last = turn.items.at(-1);
  if (last?.kind === "tool") return `The tool ${last.name} ${last.result ? "is done" : "is called"}.`;
  return last ? "" : "The model is asked.";
}

function lastWords({ items, end }: Turn): string {
  if (end && "stopReason" in end && end.stopReason === "cancelled") return "The turn is cancelled.";
  const last = items.at(-1);
  return last?.kind === "answer" ? `The answer is complete. ${last.text.split("\n\n").at(-1) ?? ""}` : "";
}
