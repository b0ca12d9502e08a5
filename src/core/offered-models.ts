import type { FoundModel } from "./messages.js";

/** A model that a person can choose. */
export interface OfferedModel extends FoundModel {
  /** `provider/model`, as a message names it. */
  id: string;
}

export interface OfferedModels {
  /** The configured models first, the active provider's before all. */
  models: readonly OfferedModel[];
  /** Providers that did not answer, each with the reason. */
  problems: readonly { provider: string; message: string }[];
}
