import { errorInfo, RequestError } from "../../core/errors.js";
import type { PromptOptions } from "../../session/shared/prompt-options.js";
import type { DoorParts } from "../shared/door.js";
import type { ControlRequest } from "./claude-input.js";
import { mcpStatus, type Permission, permissionOf } from "./state.js";

interface ControlActions {
  interrupt: (all: boolean) => Promise<object>;
  /** Makes the turns that run or wait ask about their further calls. */
  withdrawAuto: () => void;
}

interface ControlOptions {
  turn: Pick<PromptOptions, "model" | "system" | "approval">;
  systemPrompt: string;
  canAsk: boolean;
}

type ControlResponse =
  | { subtype: "success"; request_id: string; response: object }
  | { subtype: "error"; request_id: string; error: string };

/**
 * Answers the control requests of the controlling program, which writes to stdin, and keeps the settings that the program makes. A setting
 * applies only to messages that come later, except a permission mode that asks or denies: it also applies to the turns that run or wait.
 */
export class Control {
  readonly #parts: DoorParts;
  readonly #options: ControlOptions;
  readonly #actions: ControlActions;
  /**
   * Reason why all prompts are refused. Set if the program asked for an unsupported feature when it initialised. The program got an error
   * for that request, but it may still send prompts.
   */
  refusal: string | undefined;
  /** True if the program speaks the control protocol. Such a program can be asked questions. */
  isInitialized = false;
  model: string | undefined;
  system: string | undefined;
  /** Patterns of the tools that the program forbids. */
  denied: readonly string[] = [];
  permission: Permission;

  constructor(parts: DoorParts, options: ControlOptions, actions: ControlActions) {
    this.#parts = parts;
    this.#options = options;
    this.#actions = actions;
    this.model = options.turn.model;
    this.system = options.turn.system;
    this.permission = { approval: options.turn.approval, isAsked: options.canAsk };
  }

  async answer(requestId: string, request: ControlRequest): Promise<ControlResponse> {
    try {
      return { subtype: "success", request_id: requestId, response: await this.#do(request) };
    } catch (error) {
      const { message, hint } = errorInfo(error);
      return { subtype: "error", request_id: requestId, error: hint ? `${message} (${hint})` : message };
    }
  }

  #do(request: ControlRequest): object | Promise<object> {
    switch (request.subtype) {
      case "initialize":
        return this.#initialize(request);
      case "interrupt":
        return this.#actions.interrupt(request.cancelsQueued);
      case "set_model":
        if (request.model !== undefined) this.#parts.resolveModel(request.model);
        this.model = request.model ?? this.#options.turn.model;
        return {};
      case "set_permission_mode":
        this.permission = permissionOf(request.mode, this.#options.canAsk);
        if (this.permission.approval === "ask") this.#actions.withdrawAuto();
        return { mode: request.mode };
      case "mcp_status":
        return mcpStatus(this.#parts.hub);
    }
  }

  /** Throws RequestError for an unsupported feature, LlmError if no provider can be used. */
  #initialize(request: Extract<ControlRequest, { subtype: "initialize" }>): object {
    const { systemPrompt, appendSystemPrompt, denied, unsupported } = request;
    this.denied = denied;
    this.refusal = unsupported && `not supported in the initialize request: request.${unsupported}`;
    if (this.refusal) throw new RequestError("usage", this.refusal);
    const { turn, systemPrompt: configured } = this.#options;
    const own = systemPrompt ?? turn.system;
    this.system = appendSystemPrompt ? [own ?? configured, appendSystemPrompt].join("\n\n") : own;
    this.isInitialized = true;
    const { provider, model } = this.#parts.resolveModel(this.model);
    return {
      commands: [],
      agents: [],
      output_style: "default",
      available_output_styles: ["default"],
      models: [{ value: "default", displayName: model, description: `${provider}/${model}` }],
      account: {},
      // Rules that cannot be applied were refused above. The SDK ends a session that does not confirm those that it has sent.
      disallowed_tools_applied: true,
    };
  }
}
