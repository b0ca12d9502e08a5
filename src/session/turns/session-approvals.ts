import type { ApprovalAnswer } from "../../core/approval.js";
import type { ApprovalMemory, RememberedTool, StoredApprovals } from "../../core/ports.js";

/** See `SessionParts`. */
interface ApprovalParts {
  approvals?: StoredApprovals;
  project: string;
}

/**
 * The user's answers about tools. Some answers hold for the rest of this session. All other answers are stored, and hold in the project or
 * always.
 */
export class SessionApprovals implements ApprovalMemory {
  /** The session's parts, whose project may change between turns. */
  readonly #parts: ApprovalParts;
  readonly #session = new Map<string, Required<ApprovalAnswer>>();

  /** If `approvals` is undefined, no answer is stored, and all answers end with the session. */
  constructor(parts: ApprovalParts) {
    this.#parts = parts;
  }

  /** Number of answers that end with the session. */
  get size(): number {
    return this.#session.size;
  }

  forgetSession(): void {
    this.#session.clear();
  }

  find(tool: RememberedTool): Required<ApprovalAnswer> | undefined {
    const stored = this.#parts.approvals?.find(tool, this.#parts.project);
    if (this.#session.size === 0) return stored;
    const answers = [this.#session.get(keyOf(tool)), stored];
    return answers.find((answer) => answer?.allow === false) ?? answers.find((answer) => answer !== undefined);
  }

  remember(tool: RememberedTool, { allow, remember }: Required<ApprovalAnswer>): void {
    const { approvals, project } = this.#parts;
    if (remember === "session" || !approvals?.keep) this.#session.set(keyOf(tool), { allow, remember });
    else approvals.keep(tool, { allow, remember }, project);
  }
}

function keyOf({ server, tool, place }: RememberedTool): string {
  return JSON.stringify([place, server, tool]);
}
