import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import type { Api } from "../api/host-client.js";
import { useAttempts, useLoaded } from "../api/use-loaded.js";
import { Alert } from "../markdown/alert.js";
import { visibleText } from "../markdown/visible.js";
import { useBusy } from "../shared/use-busy.js";

interface OfferedProvider {
  name: string;
  base_url: string;
  needs_key: boolean;
  /** Models of a server that was found on the host's machine. Otherwise empty. */
  models: readonly string[];
}

/** Asks for a key or a server of the host's machine, tries it, and lets it answer in place of the demo model. */
export function ModelForm({ api, onUsed }: { api: Api; onUsed: () => Promise<unknown> }) {
  const id = useId();
  const path = "/api/settings/model";
  const offered = useLoaded(() => api.json<{ providers: OfferedProvider[] }>(path));
  const name = useSignal("");
  const tried = useSignal<{ problem: string | null; models: readonly string[] } | undefined>(undefined);
  const { failure, attempt } = useAttempts();
  const { isBusy, run } = useBusy((form: HTMLFormElement) =>
    attempt(async () => {
      tried.value = await api.json(path, { method: "POST", body: Object.fromEntries(new FormData(form)) });
      if (tried.value?.problem === null) await onUsed();
    }),
  );
  const { providers = [] } = offered.value.value ?? {};
  const provider = providers.find((each) => each.name === name.value) ?? providers[0];
  if (!provider) return <Alert text={offered.failure.value} />;
  const { base_url: address, needs_key: needsKey } = provider;
  return (
    <form
      class="form"
      aria-label="Another model"
      onSubmit={(event) => {
        event.preventDefault();
        void run(event.currentTarget);
      }}
    >
      <label class="field">
        <span>Provider</span>
        <select
          name="provider"
          onChange={({ currentTarget }) => {
            name.value = currentTarget.value;
            tried.value = undefined;
          }}
        >
          {providers.map((each) => (
            <option value={each.name}>
              {visibleText(each.name)}
              {each.base_url === "" && ", at an address of yours"}
              {each.models.length > 0 && ", found on this machine"}
            </option>
          ))}
        </select>
      </label>
      {(!needsKey || address === "") && (
        <label key={provider.name} class="field">
          <span>Address, up to its version (/v1)</span>
          <input name="base_url" type="url" required defaultValue={address} />
        </label>
      )}
      <label class="field">
        <span>Key{needsKey ? "" : ", if it wants one"}</span>
        <input name="api_key" type="password" autocomplete="off" />
      </label>
      <label class="field">
        <span>Model, if not its first</span>
        <input name="model" list={id} autocomplete="off" />
      </label>
      <datalist id={id}>
        {(tried.value?.models ?? provider.models).map((model) => (
          <option value={model} />
        ))}
      </datalist>
      <Alert text={failure.value ?? tried.value?.problem ?? undefined} />
      <div class="buttons">
        <button type="submit" class="main" disabled={isBusy}>
          {isBusy ? "Asking…" : "Try and use"}
        </button>
      </div>
    </form>
  );
}
