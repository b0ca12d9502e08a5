import type { FoundModel } from "./messages.js";

/** A model that a person can choose. */
export interface ChoosableModel extends FoundModel {
  /** `provider/model`, as a message names it. */
  id: string;
}

export interface ChoosableModels {
  /** The configured models first, the active provider's before all. */
  models: readonly ChoosableModel[];
  /** Providers that did not answer, each with the reason. */
  problems: readonly { provider: string; message: string }[];
}
