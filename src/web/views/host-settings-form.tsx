import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { Api } from "../api/host-client.js";
import { changeSettings, listModels, loadSettings, type SettingValue, type ShownSettings } from "../api/host-setup.js";
import { useLoaded } from "../api/use-loaded.js";
import { Alert } from "../markdown/alert.js";
import { visibleText } from "../markdown/visible.js";
import { modelFacts } from "../shared/format-text.js";

const choices = {
  "llm.effort": {
    "": "As the provider has it",
    none: "None",
    minimal: "Minimal",
    low: "Low",
    medium: "Medium",
    high: "High",
    xhigh: "Very high",
    max: "Highest",
  },
  "chat.service.approval": { ask: "Ask before a tool runs", auto: "Run tools without a question" },
  "chat.titles": { model: "By the model, in a few words", "first-words": "The first words", off: "None" },
};

/** Settings of the host. Each is written to its configuration file when it is changed. */
export function HostSettingsForm({ api }: { api: Api }) {
  const settings = useLoaded<ShownSettings>(() => loadSettings(api));
  const models = useLoaded(() => listModels(api));
  const note = useSignal("");
  const { value: shown } = settings.value;
  if (!shown) return <Alert text={settings.failure.value} />;
  const save = (key: string, value: SettingValue) => {
    note.value = "";
    void settings.act(async () => {
      const { notices } = await changeSettings(api, { [key]: value });
      note.value = ["Saved.", ...notices].join(" ");
    });
  };
  const text = (key: string) => String(shown.values[key] ?? "");
  const changed = (key: string) => (written: string) => save(key, written.trim() || null);
  const chosen = text("llm.model");
  const { models: offered = [], problems = [] } = models.value.value ?? {};
  const chooser = (key: keyof typeof choices, label: string) =>
    ("" in choices[key] || shown.values[key] != null) && (
      <Field label={label}>
        {(id) => (
          <select id={id} value={text(key)} onChange={({ currentTarget }) => save(key, currentTarget.value || null)}>
            {Object.entries(choices[key]).map(([value, name]) => (
              <option value={value}>{name}</option>
            ))}
          </select>
        )}
      </Field>
    );
  return (
    <section class="card form" aria-labelledby="host-settings">
      <h2 id="host-settings">Model and conversations</h2>
      <p class="small quiet">
        Of this host, for everybody who uses it. Kept in <code>{visibleText(shown.file)}</code>.
      </p>
      <Field label="Default model">
        {(id) => (
          <select id={id} value={chosen} onChange={({ currentTarget }) => save("llm.model", currentTarget.value)}>
            {!offered.some((model) => model.id === chosen) && <option value={chosen}>{visibleText(chosen)}</option>}
            {offered.map((model) => (
              <option value={model.id}>
                {visibleText(model.id)} {modelFacts(model) && `(${modelFacts(model)})`}
              </option>
            ))}
          </select>
        )}
      </Field>
      {problems.map(({ provider, message }) => (
        <p class="small quiet">{visibleText(`The models of ${provider} are not known: ${message}`)}</p>
      ))}
      <Field label="Temperature of the default model">
        {(id) => (
          <input
            id={id}
            type="number"
            min="0"
            max="2"
            step="0.1"
            placeholder="As the provider has it"
            value={text("llm.temperature")}
            onChange={({ currentTarget: { value } }) => save("llm.temperature", value === "" ? null : Number(value))}
          />
        )}
      </Field>
      {chooser("llm.effort", "Reasoning of the default model")}
      <Field label="System prompt">
        {(id) => (
          <textarea
            id={id}
            rows={3}
            value={text("chat.service.system_prompt")}
            onChange={({ currentTarget }) => changed("chat.service.system_prompt")(currentTarget.value)}
          />
        )}
      </Field>
      {chooser("chat.service.approval", "Tools")}
      {chooser("chat.titles", "Titles of conversations")}
      <Field label="Conversations are kept for">
        {(id) => (
          <input
            id={id}
            placeholder="For ever. Or a time, such as 90d"
            value={text("chat.storage.max_age")}
            onChange={({ currentTarget }) => changed("chat.storage.max_age")(currentTarget.value)}
          />
        )}
      </Field>
      <p class="small quiet" role="status">
        {visibleText(note.value)}
      </p>
      <Alert text={settings.failure.value} />
    </section>
  );
}

function Field({ label, children }: { label: string; children: (id: string) => ComponentChildren }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id)}
    </div>
  );
}
