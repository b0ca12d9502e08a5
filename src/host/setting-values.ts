/** Shows and changes the settings that a person chooses, such as the default model. */
import { existsSync } from "node:fs";
import { type ConfigFile, type ConfigLocation, changeConfigFile, readConfigFile } from "../config/edit/config-file.js";
import type { SettingEdit } from "../config/edit/server-edit.js";
import { literally } from "../config/reading/interpolate.js";
import type { LoadedConfig } from "../config/reading/load.js";
import { ConfigError, messageOf, RequestError } from "../core/errors.js";
import { asObject, type JsonObject } from "../core/json.js";
import { addAll } from "../core/lists/long-lists.js";
import { efforts } from "../core/messages.js";
import type {
  HostSettings,
  OfferedProvider,
  ProviderChoice,
  SettingValues,
  TriedModel,
} from "../core/server-settings.js";
import { objectSource } from "../core/source/source.js";
import { child, valueAt } from "../core/source/tree.js";
import { keyVariableOf } from "../llm/providers/presets.js";
import type { ServerEntriesParts } from "./server-entries.js";

/** The settings that can be changed, by their path in the configuration. All of them can change while the host runs. */
const paths = [
  "chat.service.system_prompt",
  "chat.service.approval",
  "chat.titles",
  "chat.title_model",
  "chat.storage.max_age",
  "chat.storage.max_conversations",
];
/** The default model as `provider/model`. In the file it is `llm.active` and the provider's `model`. */
const modelKey = "llm.model";
/** Settings of the default model, by their path in the configuration of its provider. */
const modelPaths: Readonly<Record<string, readonly string[]>> = {
  "llm.temperature": ["temperature"],
  "llm.effort": ["reasoning", "effort"],
};

interface SettingValuesParts extends Pick<ServerEntriesParts, "env" | "files"> {
  /** Returns the model of this name, or the default model. Throws if it cannot be asked. */
  resolveModel(name?: string): { provider: string; model: string };
}

interface Change {
  path: readonly string[];
  value: string | number | null;
  isSecret?: boolean;
}

export class HostSettingValues implements HostSettings {
  readonly #parts: SettingValuesParts;

  constructor(parts: SettingValuesParts) {
    this.#parts = parts;
  }

  all(): { file: string; values: SettingValues } {
    const { tree } = this.#parts.files.read;
    const found = this.#defaultModel();
    const values = paths.map((path) => [path, shown(valueAt(tree, pointerOf(path.split("."))))]);
    const ofModel = Object.entries(modelPaths).map(([key, path]) => [
      key,
      found ? shown(valueAt(tree, pointerOf(["llm", "providers", found.provider, ...path]))) : null,
    ]);
    return {
      file: readConfigFile(this.#location([])).file,
      values: {
        [modelKey]: found ? `${found.provider}/${found.model}` : null,
        ...Object.fromEntries([...ofModel, ...values]),
      },
    };
  }

  async change(values: SettingValues): Promise<string[]> {
    const changes = this.#changesOf(values);
    this.#check(changes);
    return this.#write(changes);
  }

  async offeredProviders(): Promise<OfferedProvider[]> {
    const { offeredProviders } = await import("./model-trial.js");
    return offeredProviders(this.#parts.files.read.config.llm);
  }

  async tryModel(choice: ProviderChoice, signal: AbortSignal): Promise<TriedModel> {
    const { tryProvider } = await import("./model-trial.js");
    const { env, files } = this.#parts;
    const { provider } = choice;
    if (choice.apiKey !== undefined) this.#requirePrivate(keyVariableOf(provider));
    const { llm } = this.#check(changesFor(choice)).config;
    const { model = "", ...tried } = await tryProvider(llm, provider, { env, signal });
    if (tried.problem !== undefined) return tried;
    const notices = await this.#write(changesFor({ ...choice, model }));
    const used = this.#defaultModel();
    if (used?.provider === provider && used.model === model) return tried;
    const why = notices.join(" ") || `${files.read.originOf("/llm/active")} names another default: change it there.`;
    return { ...tried, problem: `${provider}/${model} answers, but is not in use. ${why}` };
  }

  /** Throws RequestError if others can read the file to which a key would be written. */
  #requirePrivate(variable: string): void {
    const { file, isPrivate, path } = readConfigFile(this.#location([]));
    if (isPrivate || !existsSync(path)) return;
    const hint = `run chmod 600 ${file}, or set ${variable} in the environment of the host`;
    throw new RequestError("usage", `others can read ${file}, so no key is written to it`, { hint });
  }

  async #write(changes: readonly Change[]): Promise<string[]> {
    const notices: string[] = [];
    for (const location of this.#parts.files.locations) {
      // A key belongs to the user's own file, also if a project has one.
      const own = changes.filter(({ path, isSecret }) => this.#location(isSecret ? [] : path).path === location.path);
      if (own.length === 0) continue;
      const hasSecrets = own.some(({ isSecret }) => isSecret);
      const plan = ({ tree }: ConfigFile) => ({ edits: own.flatMap((change) => editsOf(change, tree)), hasSecrets });
      const { changed, warning } = await this.#parts.files.change(() => changeConfigFile(location, plan));
      addAll(notices, changed.notices);
      if (warning !== undefined) notices.push(warning);
    }
    return notices;
  }

  #changesOf(values: SettingValues): Change[] {
    const model = values[modelKey];
    const [, named, modelName] = /^([^/]+)\/(.+)$/.exec(String(model)) ?? [];
    if (model !== undefined && named === undefined)
      throw new RequestError("usage", `${modelKey}: expected provider/model`);
    if (named !== undefined) this.#requireUsable(String(model), named);
    const provider = named ?? this.#defaultModel()?.provider;
    if (provider === undefined) throw new RequestError("usage", "no model is configured: choose one first");
    const effort = values["llm.effort"];
    // The schema of the configuration takes any reasoning, because providers differ.
    if (effort != null && !(efforts as readonly unknown[]).includes(effort))
      throw new RequestError("usage", `llm.effort: expected one of ${efforts.join(", ")}`);
    return Object.entries(values).flatMap(([key, value]): Change[] => {
      if (key === modelKey)
        return [
          { path: ["llm", "active"], value: provider },
          { path: ["llm", "providers", provider, "model"], value: modelName ?? null },
        ];
      const ofModel = modelPaths[key];
      if (ofModel) return [{ path: ["llm", "providers", provider, ...ofModel], value }];
      if (paths.includes(key)) return [{ path: key.split("."), value }];
      throw new RequestError("usage", `${key} cannot be changed here`, { hint: "change it in the configuration file" });
    });
  }

  #defaultModel(): { provider: string; model: string } | undefined {
    try {
      return this.#parts.resolveModel();
    } catch {
      return undefined;
    }
  }

  /** Throws RequestError if the model cannot be asked, for example because its provider has no key. */
  #requireUsable(model: string, provider: string): void {
    const found = this.#resolved(model);
    // `resolveModel` reads a name with an unknown provider as a model of the default provider.
    if (found.provider !== provider) throw new RequestError("usage", `${model}: there is no provider ${provider}`);
  }

  #resolved(model: string): { provider: string } {
    try {
      return this.#parts.resolveModel(model);
    } catch (error) {
      throw new RequestError("usage", `${model}: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Returns the configuration with these values. Throws RequestError if it could not be loaded. */
  #check(changes: readonly Change[]): LoadedConfig {
    const tree: JsonObject = {};
    for (const { path, value } of changes) if (value !== null) put(tree, path, value);
    try {
      return this.#parts.files.read.with(objectSource(tree, process.cwd()));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw new RequestError("usage", error.problems.map(({ path, message }) => `${path}: ${message}`).join("; "));
    }
  }

  /** Returns the file that has the setting. If no file has it, it belongs to the user, not to a project: to the user's own file. */
  #location(path: readonly string[]): ConfigLocation {
    const { locations } = this.#parts.files;
    const has = (location: ConfigLocation) =>
      path.length > 0 && valueAt(readConfigFile(location).tree, pointerOf(path)) !== undefined;
    const location = locations.find(has) ?? locations.at(-1);
    if (!location) throw new RequestError("usage", "there is no configuration file to write to");
    return location;
  }
}

function changesFor({ provider, baseUrl, apiKey, model }: ProviderChoice): Change[] {
  const own = { base_url: baseUrl, model, api_key: apiKey };
  return [
    { path: ["llm", "active"], value: provider },
    ...Object.entries(own).flatMap(([key, value]): Change[] =>
      value === undefined
        ? []
        : [{ path: ["llm", "providers", provider, key], value: String(literally(value)), isSecret: key === "api_key" }],
    ),
  ];
}

/** Returns the edits for a change. A setting that the file does not have needs not be taken out. */
function editsOf({ path, value }: Change, tree: JsonObject): SettingEdit[] {
  if (value !== null) return [{ kind: "put", path, value }];
  return valueAt(tree, pointerOf(path)) === undefined ? [] : [{ kind: "take", path }];
}

function put(tree: JsonObject, [key = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) tree[key] = value;
  else {
    const below = asObject(tree[key]) ?? {};
    tree[key] = below;
    put(below, rest, value);
  }
}

function pointerOf(path: readonly string[]): string {
  return path.reduce<string>(child, "");
}

function shown(value: unknown): string | number | null {
  return typeof value === "string" || typeof value === "number" ? value : null;
}
