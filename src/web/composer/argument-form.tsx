import { useSignal } from "@preact/signals";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import type { Api } from "../api/host-client.js";
import { proposedValues } from "../api/host-setup.js";
import { Alert } from "../markdown/alert.js";
import { visibleText } from "../markdown/visible.js";
import { useBusy } from "../shared/use-busy.js";

export interface Argument {
  name: string;
  description: string;
  required: boolean;
}

interface ArgumentFormProps {
  api: Api;
  /** The prompt or URI template whose arguments they are. */
  of: { prompt: string } | { template: string };
  title: string;
  about: string;
  arguments: readonly Argument[];
  failure: string | undefined;
  onFilled: (values: Record<string, string>) => Promise<void>;
  onClose: () => void;
}

/** Asks for the arguments of a prompt or of a URI template. Arguments that are left empty are not sent. */
export function ArgumentForm({ api, of, title, about, failure, onFilled, onClose, ...props }: ArgumentFormProps) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const { isBusy, run } = useBusy(onFilled);
  useLayoutEffect(() => {
    const { current } = dialog;
    current?.showModal();
    return () => current?.close(); // the message field gets the focus back
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          event.stopPropagation(); // the message is not sent
          const filled = [...new FormData(event.currentTarget)].filter(([, value]) => value !== "");
          void run(Object.fromEntries(filled) as Record<string, string>);
        }}
      >
        <h2 id={id}>{visibleText(title)}</h2>
        {about && <p class="quiet">{visibleText(about)}</p>}
        {props.arguments.map((argument) => (
          <ArgumentField key={argument.name} api={api} of={of} argument={argument} />
        ))}
        <Alert text={failure} />
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
          <button type="submit" class="main" disabled={isBusy}>
            Use
          </button>
        </div>
      </form>
    </dialog>
  );
}

/** Pause in typing after which values are asked for, in ms. */
const pauseMs = 150;

function ArgumentField({ api, of, argument }: Pick<ArgumentFormProps, "api" | "of"> & { argument: Argument }) {
  const id = useId();
  const { name, description, required } = argument;
  const value = useSignal("");
  const proposed = useSignal<readonly string[]>([]);
  useEffect(() => {
    let isLatest = true;
    const ask = async () => {
      const values = await proposedValues(api, of, { argument: name, value: value.value }).catch(() => []);
      if (isLatest) proposed.value = values;
    };
    const timer = setTimeout(ask, pauseMs);
    return () => {
      isLatest = false;
      clearTimeout(timer);
    };
  }, [value.value]);
  return (
    <div class="field">
      <label for={id}>
        {visibleText(name)}
        {required && <span class="quiet small"> (required)</span>}
      </label>
      <input
        id={id}
        name={name}
        list={`${id}-values`}
        required={required}
        autocomplete="off"
        aria-describedby={description ? `${id}-note` : undefined}
        onInput={({ currentTarget }) => {
          value.value = currentTarget.value;
        }}
      />
      <datalist id={`${id}-values`}>
        {proposed.value.map((each) => (
          <option value={each} />
        ))}
      </datalist>
      {description && (
        <p id={`${id}-note`} class="small quiet">
          {visibleText(description)}
        </p>
      )}
    </div>
  );
}
