/** Chooses a provider if the configuration names none: a usable provider, or else the bundled demo model. */

import type { Config, ConfiguredServer, LlmConfig } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import { demoServer } from "../demo/demo-servers.js";
import { chooseProvider, type ModelChoice } from "../llm/providers/choose-provider.js";
import { presetOf } from "../llm/providers/presets.js";
import { type Tape, withTape } from "./tape.js";

const demoNotice =
  "This is the demo model: it follows a few rules. For a real one set OPENAI_API_KEY (or another provider's key), or llm.active in config.yaml.";

export class FirstRun {
  readonly #env: Environment;
  readonly #tape: Tape | undefined;
  /**
   * The provider that was chosen at the start. It does not change while the host runs: a reload of the configuration does not probe the
   * model servers of this machine again.
   */
  #chosen: ModelChoice | undefined;
  #demo: { baseUrl: string; close(): Promise<void> } | undefined;
  /** True while the bundled demo model answers. */
  isDemo = false;

  constructor(env: Environment, tape: Tape | undefined) {
    this.#env = env;
    this.#tape = tape;
  }

  /** Notices to show to a person before the first prompt. */
  get notices(): readonly string[] {
    return this.isDemo ? [demoNotice] : [];
  }

  /**
   * Returns the settings of `llm`, with `active` set to the provider in use. It stays unset if a tape plays that does not know the provider.
   * Starts the demo model if it is the active provider.
   */
  async llmOf(config: Config): Promise<LlmConfig> {
    const llm = await this.#withModel(config);
    return this.#tape ? withTape(llm, this.#tape, this.#env) : llm;
  }

  async #withModel({ llm }: Config): Promise<LlmConfig> {
    if (!llm.active) this.#chosen ??= await this.#choose(llm);
    const choice = llm.active ? { provider: llm.active, model: undefined } : this.#chosen;
    if (!choice) return llm;
    const { provider, model } = choice;
    const providers = { ...llm.providers };
    if (model) providers[provider] = { ...providers[provider], model };
    this.#tape?.inEffect?.({ provider, model: providers[provider]?.model ?? presetOf(provider)?.model });
    this.isDemo = provider === "demo" && !providers.demo?.baseUrl;
    if (this.isDemo && !this.#tape?.playsModels) {
      const { startDemoModel } = await import("../demo/model.js");
      this.#demo ??= await startDemoModel();
      providers.demo = { ...providers.demo, baseUrl: this.#demo.baseUrl };
    }
    return { ...llm, active: provider, providers };
  }

  /** Returns the configured servers. If the demo model is active, adds the bundled server, whose tools the demo model calls. */
  serversOf({ mcpServers }: Config): readonly ConfiguredServer[] {
    if (!this.isDemo || mcpServers.some(({ name }) => name === "demo")) return mcpServers;
    return [...mcpServers, demoServer()];
  }

  async close(): Promise<void> {
    await this.#demo?.close();
  }

  #choose(llm: LlmConfig): Promise<ModelChoice | undefined> {
    const choose = () => chooseProvider(llm, this.#env);
    return this.#tape ? this.#tape.choose(choose) : choose();
  }
}
