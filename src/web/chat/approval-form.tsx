import { useSignal } from "@preact/signals";
import { useEffect, useId, useMemo, useRef } from "preact/hooks";
import type { JsonObject } from "../../core/json.js";
import { visibleJson } from "../../core/text/inert.js";
import type { ShownQuestion } from "../api/host-messages.js";
import { filledForm, keepForm } from "../api/unsent.js";
import { visibleText } from "../markdown/visible.js";
import { CallValues, objectIn } from "./call-values.js";

export type AskedApproval = Extract<ShownQuestion, { kind: "approval" }>;
type Scope = "session" | "project" | "always";

/** Returns the answer that allows a call, with the arguments that the person has changed. */
export function permission(question: AskedApproval, remember?: Scope): unknown {
  const changed = changedArguments(question);
  if (!remember && !changed) return true;
  return { allow: true, ...(remember && { remember }), ...(changed && { arguments: changed }) };
}

export const isDestructive = ({ annotations = [] }: AskedApproval) => annotations.includes("destructive");

/** The server's descriptions of a tool, in words for the person. */
const effects: Record<string, string> = {
  "read-only": "The server says that this changes nothing.",
  idempotent: "The server says that a second call with the same values changes nothing more.",
  destructive: "The server says that this may overwrite or delete something.",
  "open-world": "The server says that this reaches beyond it, such as the internet.",
};

interface ApprovalFormProps {
  question: AskedApproval;
  isBusy: boolean;
  onAnswer: (value: unknown) => Promise<void>;
}

export function ApprovalForm({ question, onAnswer, isBusy }: ApprovalFormProps) {
  const { question_id: id, server, tool, annotations, reason, once_only: isOnceOnly } = question;
  const isChanging = useSignal(filledForm(id).length > 0);
  const allow = (remember?: Scope) => () => void onAnswer(permission(question, remember));
  const change = () => {
    isChanging.value = !isChanging.value;
    keepForm(id, undefined);
  };
  return (
    <>
      <p class="quiet">{visibleText(reason.replace(`${server}.${tool} `, () => "This tool "))}</p>
      {annotations?.map((annotation) => (
        <p class="small">{effects[annotation] ?? visibleText(annotation)}</p>
      ))}
      {isChanging.value ? <ArgumentFields question={question} /> : <CallValues text={question.arguments} />}
      <div class="buttons">
        <button type="button" class={isDestructive(question) ? "" : "main"} disabled={isBusy} onClick={allow()}>
          Allow once
        </button>
        <button type="button" class="no" disabled={isBusy} onClick={() => void onAnswer(false)}>
          Deny
        </button>
        {Object.keys(objectIn(question.arguments) ?? {}).length > 0 && (
          <button type="button" aria-expanded={isChanging.value} disabled={isBusy} onClick={change}>
            {isChanging.value ? "Keep the arguments" : "Change the arguments"}
          </button>
        )}
        {!isOnceOnly && (
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

/** Shows the arguments as fields. What is written in them is kept until the question is answered. */
function ArgumentFields({ question: { question_id, arguments: text } }: { question: AskedApproval }) {
  const form = useRef<HTMLFormElement>(null);
  const id = useId();
  const fields = useMemo(() => {
    const filled = new Map(filledForm(question_id));
    return Object.entries(objectIn(text) ?? {}).map(([name, value]) => [name, filled.get(name) ?? fieldText(value)]);
  }, [question_id, text]);
  useEffect(() => form.current?.querySelector("textarea")?.focus(), []);
  return (
    <form
      ref={form}
      class="form"
      onSubmit={(event) => event.preventDefault()}
      onInput={({ currentTarget }) => keepForm(question_id, new FormData(currentTarget))}
    >
      {fields.map(([name = "", value], index) => (
        <div class="field" key={name}>
          <label for={`${id}-${index}`}>{visibleJson(name)}</label>
          <textarea id={`${id}-${index}`} name={name} rows={1} defaultValue={value} spellcheck={false} />
        </div>
      ))}
    </form>
  );
}

/** Returns the arguments with what was written in their fields. Undefined if nothing differs from what the model wrote. */
function changedArguments({ question_id, arguments: text }: AskedApproval): JsonObject | undefined {
  const values = objectIn(text) ?? {};
  const written = filledForm(question_id).map(([name, value]) => [name, withLineFeeds(value)] as const);
  const changes = written.filter(([name, value]) => Object.hasOwn(values, name) && value !== fieldText(values[name]));
  if (changes.length === 0) return undefined;
  const read = changes.map(([name, value]) => [name, typeof values[name] === "string" ? value : readValue(value)]);
  return { ...values, ...Object.fromEntries(read) };
}

function fieldText(value: unknown): string {
  return withLineFeeds(typeof value === "string" ? value : JSON.stringify(value, null, 2));
}

/** A field for text has only such line breaks. */
function withLineFeeds(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

/** Returns the value that the text means as JSON. Undefined leaves the argument out. The host refuses a text that does not fit the tool. */
function readValue(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
