/** The mode and the model that a person chooses for a session. https://agentclientprotocol.com/protocol/v1/session-config-options */
import type { SessionConfigOption, SessionModeState } from "@agentclientprotocol/sdk";
import { RequestError } from "../../core/errors.js";

export type ModeId = "ask" | "auto";

const modes = [
  { id: "ask", name: "Ask", description: "Asks before tools that are not known to be read-only" },
  { id: "auto", name: "Auto", description: "Approves every tool call" },
] as const;

export interface Choice {
  mode: ModeId;
  /** Name of the model as `provider/model`. Undefined if no provider can be used. */
  model: string | undefined;
  models: readonly string[];
}

export function modeState({ mode }: Choice): SessionModeState {
  return { currentModeId: mode, availableModes: modes.map((known) => ({ ...known })) };
}

/** Returns the modes and the models as config options. Clients that do not know config options can choose only a mode. */
export function configOptions({ mode, model, models }: Choice): SessionConfigOption[] {
  const choices = modes.map(({ id, name, description }) => ({ value: id, name, description }));
  const options: SessionConfigOption[] = [
    { id: "mode", name: "Mode", category: "mode", type: "select", currentValue: mode, options: choices },
  ];
  if (model === undefined) return options;
  const values = [...new Set([...models, model])].map((value) => ({ value, name: value }));
  return [
    ...options,
    { id: "model", name: "Model", category: "model", type: "select", currentValue: model, options: values },
  ];
}

/** Throws RequestError for an unknown mode. */
export function modeOf(id: string): ModeId {
  const mode = modes.find((known) => known.id === id);
  if (mode) return mode.id;
  throw new RequestError("usage", `there is no mode "${id}"`, { hint: "ask or auto" });
}
