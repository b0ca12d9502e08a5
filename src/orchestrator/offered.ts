import type { ToolDefinition } from "../core/chat.js";
import type { HubTool, Toolbox } from "../core/ports.js";
import { isHidden } from "./policy.js";
import type { TurnOptions } from "./turn-options.js";

/** What the model is offered. Re-read at every hop: a server that has got ready meanwhile joins the running turn. */
export class Offered {
  readonly #hub: Toolbox;
  readonly #options: Pick<TurnOptions, "rules" | "callerTools" | "record">;
  #known: { all: readonly HubTool[]; tools: readonly ToolDefinition[] } | undefined;

  constructor(hub: Toolbox, options: Pick<TurnOptions, "rules" | "callerTools" | "record">) {
    this.#hub = hub;
    this.#options = options;
  }

  /** The same list while no tool changes: that is how the same bytes are known again. */
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

/** Whether whoever asked for the turn runs it. */
export function isCallers(name: string, { callerTools = [] }: Pick<TurnOptions, "callerTools">): boolean {
  return callerTools.some((tool) => tool.name === name);
}
