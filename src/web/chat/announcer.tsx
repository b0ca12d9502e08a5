import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { BlockSplitter } from "../markdown/blocks.js";
import { visibleText } from "../markdown/visible.js";
import type { ChatState } from "./chat-state.js";
import { calledTool, openQuestion, runningTurn, type Turn } from "./shown-conversation.js";

/** Announces the running turn to screen readers: each paragraph of the answer, the tools, the questions and the end of the turn. */
export function Announcer({ state }: { state: ChatState }) {
  const text = useSignal("");
  const splitter = useRef(new BlockSplitter());
  const announced = useRef(0);
  const turn = useComputed(() => runningTurn(state.conversation.value) ?? state.conversation.value.turns.at(-1));
  const news = useComputed(() => newsOf(turn.value));
  useSignalEffect(() => {
    text.value = news.value;
  });
  useSignalEffect(() => {
    const { closed } = splitter.current.split(state.live.text.value);
    if (closed.length < announced.current) announced.current = 0;
    if (closed.length > announced.current) text.value = visibleText(closed.slice(announced.current).join("\n"));
    announced.current = closed.length;
  });
  return (
    <p class="unseen" aria-live="polite">
      {text.value}
    </p>
  );
}

function newsOf(turn: Turn | undefined): string {
  if (!turn) return "";
  if (turn.end) return "error" in turn.end ? `The turn failed: ${turn.end.error.error}` : endText(turn);
  const question = openQuestion(turn);
  if (question) return "The turn is waiting for your answer.";
  const last = turn.items.at(-1);
  if (last?.kind === "tool") return `The tool ${calledTool(last)} ${last.result ? "is done" : "is called"}.`;
  return last ? "" : "The model is asked.";
}

function endText({ items, end }: Turn): string {
  if (end && "stopReason" in end && end.stopReason === "cancelled") return "The turn is cancelled.";
  const last = items.at(-1);
  return last?.kind === "answer" ? `The answer is complete. ${last.text.split("\n\n").at(-1) ?? ""}` : "";
}
