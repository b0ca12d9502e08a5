import type { ToolDefinition } from "../core/messages.js";
import type { HubTool, Toolbox } from "../core/ports.js";
import { isHidden } from "./policy.js";
import type { TurnOptions } from "./turn-options.js";

/**
 * The tools that are offered to the model. The list is read again at every hop, so a turn that is already running also gets the tools of a
 * server that becomes ready late.
 */
export class Offered {
  readonly #hub: Toolbox;
  readonly #options: Pick<TurnOptions, "rules" | "callerTools" | "record">;
  #known: { all: readonly HubTool[]; tools: readonly ToolDefinition[] } | undefined;

  constructor(hub: Toolbox, options: Pick<TurnOptions, "rules" | "callerTools" | "record">) {
    this.#hub = hub;
    this.#options = options;
  }

  /** Returns the same array object as long as the tools do not change, so that callers can reuse what they computed from it. */
  tools(): readonly ToolDefinition[] {
    const all = this.#hub.tools();
    if (this.#known?.all !== all) this.#known = { all, tools: this.#inOrder(this.#of(all)) };
    return this.#known.tools;
  }

  #inOrder(tools: readonly ToolDefinition[]): readonly ToolDefinition[] {
    return this.#options.record?.sorted(tools) ?? tools;
  }

  #of(all: readonly HubTool[]): readonly ToolDefinition[] {
    const { rules, callerTools = [] } = this.#options;
    const tools = all.some((tool) => isHidden(tool, rules)) ? all.filter((tool) => !isHidden(tool, rules)) : all;
    if (callerTools.length === 0) return tools;
    return [...tools.filter(({ name }) => !isCallers(name, this.#options)), ...callerTools];
  }
}

/** True if the tool is not run by a server but by the caller that started the turn. */
export function isCallers(name: string, { callerTools = [] }: Pick<TurnOptions, "callerTools">): boolean {
  return callerTools.some((tool) => tool.name === name);
}
