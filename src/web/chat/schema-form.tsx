import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId, useMemo } from "preact/hooks";
import type { JsonSchema } from "../../core/messages.js";
import { filledForm, keepForm } from "../api/unsent.js";
import { visibleText } from "../markdown/visible.js";
import { JsonField } from "../shared/json-field.js";
import { type FormField, filledFields, formContent, formFields, formProblem } from "./form-fields.js";

interface SchemaFormProps {
  schema: JsonSchema;
  /** Id under which the filled-in values are kept, also while the person looks elsewhere. */
  keptAs: string;
  isBusy: boolean;
  /** Name of the button that submits the form. */
  submit: string;
  onSubmit: (content: Record<string, unknown>) => Promise<void>;
  /** Buttons beside the one that submits. */
  children?: ComponentChildren;
}

/** Shows a form for values of a schema. The browser validates the values before they are submitted. */
export function SchemaForm({ schema, keptAs, isBusy, submit, onSubmit, children }: SchemaFormProps) {
  const fields = useMemo(() => filledFields(formFields(schema), filledForm(keptAs)), [schema, keptAs]);
  const problem = useSignal<{ name: string; problem: string } | undefined>(undefined);
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        problem.value = formProblem(fields, data);
        if (!problem.value) void onSubmit(formContent(fields, data));
      }}
      onInput={({ currentTarget }) => keepForm(keptAs, new FormData(currentTarget))}
    >
      {fields.map((field) => (
        <Field field={field} problem={problem.value?.name === field.name ? problem.value.problem : undefined} />
      ))}
      <div class="buttons">
        <button type="submit" class="main" disabled={isBusy}>
          {submit}
        </button>
        {children}
      </div>
    </form>
  );
}

function Field({ field, problem }: { field: FormField; problem?: string }) {
  const id = useId();
  const { description, isRequired } = field;
  const note = [description && visibleText(description), problem].filter(Boolean).join(" ");
  const described = note ? `${id}-note` : undefined;
  const label = (
    <>
      {visibleText(field.label)}
      {isRequired && field.kind !== "flag" && <span class="quiet small"> (required)</span>}
      {field.kind === "json" && <span class="quiet small"> as JSON</span>}
    </>
  );
  const shared = { id, name: field.name, "aria-describedby": described };
  return (
    <div class="field">
      {field.kind === "choices" ? (
        <fieldset aria-describedby={described}>
          <legend>{label}</legend>
          {field.choices.map(({ text, title }) => (
            <label class="check">
              <input type="checkbox" name={field.name} value={text} defaultChecked={field.initial.includes(text)} />
              {visibleText(title)}
            </label>
          ))}
        </fieldset>
      ) : field.kind === "flag" ? (
        <label class="check">
          <input {...shared} type="checkbox" defaultChecked={field.initial} />
          {label}
        </label>
      ) : (
        <>
          <label for={id}>{label}</label>
          {inputOf(field, { ...shared, required: isRequired })}
        </>
      )}
      {note && (
        <p id={described} class={problem ? "small bad" : "small quiet"}>
          {note}
        </p>
      )}
    </div>
  );
}

interface InputAttributes {
  id: string;
  name: string;
  "aria-describedby"?: string | undefined;
  required: boolean;
}

function inputOf(
  field: Extract<FormField, { kind: "text" | "number" | "choice" | "json" }>,
  attributes: InputAttributes,
) {
  switch (field.kind) {
    case "choice":
      return (
        <select {...attributes} defaultValue={field.initial}>
          <option value="">{field.isRequired ? "Choose…" : "(none)"}</option>
          {field.choices.map(({ text, title }) => (
            <option value={text} selected={text === field.initial}>
              {visibleText(title)}
            </option>
          ))}
        </select>
      );
    case "number": {
      const { isWhole, min, max, initial } = field;
      return (
        <input {...attributes} type="number" step={isWhole ? 1 : "any"} min={min} max={max} defaultValue={initial} />
      );
    }
    case "json":
      return <JsonField {...attributes} text={field.initial} />;
    case "text": {
      const { type, pattern, minLength, maxLength, initial } = field;
      return (
        <input
          {...attributes}
          type={type as "text"} // the attributes of `text` are valid for all these types
          pattern={pattern}
          minLength={minLength}
          maxLength={maxLength}
          defaultValue={initial}
          autocomplete="off"
        />
      );
    }
  }
}
