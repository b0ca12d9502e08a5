import type { ApprovalAnswer } from "../../core/approval.js";
import type { ApprovalMemory, KeptApprovals, RememberedTool } from "../../core/ports.js";

/**
 * The user's answers about tools. Some answers hold for the rest of this session. All other answers are stored, and hold in the workspace
 * or always.
 */
export class SessionApprovals implements ApprovalMemory {
  readonly #kept: KeptApprovals | undefined;
  readonly #workspace: string;
  readonly #session = new Map<string, Required<ApprovalAnswer>>();

  /** If `kept` is undefined, no answer is stored, and all answers end with the session. */
  constructor(kept: KeptApprovals | undefined, workspace: string) {
    this.#kept = kept;
    this.#workspace = workspace;
  }

  /** Number of answers that end with the session. */
  get size(): number {
    return this.#session.size;
  }

  find(tool: RememberedTool): Required<ApprovalAnswer> | undefined {
    const kept = this.#kept?.find(tool, this.#workspace);
    if (this.#session.size === 0) return kept;
    const answers = [this.#session.get(keyOf(tool)), kept];
    return answers.find((answer) => answer?.allow === false) ?? answers.find((answer) => answer !== undefined);
  }

  remember(tool: RememberedTool, { allow, remember }: Required<ApprovalAnswer>): void {
    if (remember === "session" || !this.#kept) this.#session.set(keyOf(tool), { allow, remember });
    else this.#kept.keep(tool, { allow, remember }, this.#workspace);
  }
}

function keyOf({ server, tool, place }: RememberedTool): string {
  return JSON.stringify([place, server, tool]);
}
