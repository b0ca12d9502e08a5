import { useEffect, useId, useRef } from "preact/hooks";
import { useAttempts } from "../api/use-loaded.js";
import { Alert } from "../markdown/alert.js";
import { visibleText } from "../markdown/visible.js";
import { JsonField } from "../shared/json-field.js";

interface EntryFormProps {
  /** Undefined if the name cannot be changed. */
  name?: string;
  entry: object;
  notes?: readonly string[];
  /** Name of the button that saves. */
  submit: string;
  onSave: (server: { name: string; entry: object }) => Promise<void>;
  onClose: () => void;
}

/** Form for the entry of a server, as it stands in the configuration file. */
export function EntryForm({ name, entry, notes = [], submit, onSave, onClose }: EntryFormProps) {
  const id = useId();
  const form = useRef<HTMLFormElement>(null);
  const { failure, attempt } = useAttempts();
  useEffect(() => form.current?.querySelector<HTMLElement>("input, textarea")?.focus(), []);
  return (
    <form
      ref={form}
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        const given = { name: String(data.get("name")).trim(), entry: JSON.parse(String(data.get("entry"))) };
        void attempt(() => onSave(given));
      }}
    >
      {name !== undefined && (
        <label class="field">
          <span>Name</span>
          <input name="name" required defaultValue={name} autocomplete="off" />
        </label>
      )}
      <div class="field">
        <label for={id}>Entry in the configuration file</label>
        <JsonField
          id={id}
          name="entry"
          required
          text={JSON.stringify(entry, null, 2)}
          aria-describedby={`${id}-note`}
        />
        <p id={`${id}-note`} class="small quiet">
          {name === undefined ? "A value *** stands for the secret that is there, and keeps it. " : ""}
          {visibleText(notes.join(" "))}
        </p>
      </div>
      <Alert text={failure.value} />
      <div class="buttons">
        <button type="submit" class="main">
          {submit}
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}
