/** Stores the user's answers to the question "may this tool run?". An answer applies to one project or to all projects. */
import { hash } from "node:crypto";
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../core/errors.js";
import type { Observe, RememberedTool, StoredApprovals } from "../../core/ports.js";
import { damaged, readExisting, readState, writeState } from "./state-file.js";

export interface StoredApproval extends RememberedTool {
  allow: boolean;
  remember: "project" | "always";
  /** Folder of the project. Undefined if the answer applies to all projects. */
  workspace?: string;
  /** Time of the answer, in ms since the epoch. */
  answeredAt: number;
}

export interface ListedAnswer extends StoredApproval {
  /** Identifies the tool and the project. A later answer about both has the same id. */
  id: string;
}

interface ApprovalsParts {
  observe: Observe;
  now: () => number;
}

/**
 * Time, in ms, after a folder's last change during which its change time is not relied on. File systems round change times (most to some
 * milliseconds, FAT to two seconds), so a second change shortly after the first may leave the change time as it is.
 */
const settledMs = 4_000;
/**
 * Time, in ms, for which a check of the folder stays valid, so that one check serves all tool calls of a model's answer. The time is
 * shorter than a person needs to answer in another host. Without it, checks would double the cost of the decision about a call.
 */
const lookMs = 10;

/**
 * The stored answers. Each answer has a file of its own, so hosts that write at the same time do not overwrite each other's answers. An
 * answer that one host deletes is deleted for all hosts.
 */
export class Approvals implements StoredApprovals {
  readonly #folder: string;
  readonly #parts: ApprovalsParts;
  /** Answers that could not be written to a file. */
  readonly #unwritten = new Map<string, StoredApproval>();
  /** Tools that are known to have no stored answer. Valid until the folder changes. */
  #unanswered: { lookedAt: number; changedAt: number; tools: Set<string> } = notLooked();

  constructor(folder: string, parts: ApprovalsParts) {
    this.#folder = folder;
    this.#parts = parts;
  }

  /**
   * Returns the stored answer about a tool. Called before every tool call. For most tools no answer is stored; finding that out costs at
   * most one check of the folder.
   */
  find(tool: RememberedTool, workspace: string): StoredApproval | undefined {
    const unanswered = this.#unansweredNow();
    const key = `${tool.place}\n${tool.server}\n${tool.tool}\n${workspace}`;
    if (unanswered?.has(key)) return undefined;
    const answer = this.#find(tool, workspace);
    if (!answer) unanswered?.add(key);
    return answer;
  }

  #find(tool: RememberedTool, workspace: string): StoredApproval | undefined {
    const { server, tool: name, place } = tool;
    const answers = this.#answersAbout({ server, tool: name, place }, workspace);
    return answers.find(({ allow }) => !allow) ?? answers[0];
  }

  #answersAbout(tool: RememberedTool, workspace: string): StoredApproval[] {
    return [workspace, undefined].flatMap((where) => {
      const name = fileNameOf(tool, where);
      return this.#unwritten.get(name) ?? this.#readOrNo(name, tool, where) ?? [];
    });
  }

  keep(
    { server, tool, place }: RememberedTool,
    { allow, remember }: Pick<StoredApproval, "allow" | "remember">,
    workspace: string,
  ): void {
    const where = remember === "project" ? workspace : undefined;
    const answer = { server, tool, place, allow, remember, workspace: where, answeredAt: this.#parts.now() };
    const name = fileNameOf(answer, where);
    try {
      writeState(join(this.#folder, name), answer);
      this.#unwritten.delete(name);
      this.#unanswered = notLooked();
    } catch (error) {
      this.#unwritten.set(name, answer);
      this.#unanswered = notLooked();
      const message = `the answer about ${server}.${tool} could not be stored and is lost when this host ends: ${messageOf(error)}`;
      this.#parts.observe({ level: "warn", scope: "config", message });
    }
  }

  /** Returns all stored answers, oldest first. Throws errors of the file system. */
  list(): ListedAnswer[] {
    return this.#names()
      .flatMap((name) => {
        const answer = this.#read(name);
        return answer ? [{ ...answer, id: name.replace(/\.json$/, "") }] : [];
      })
      .sort((one, other) => one.answeredAt - other.answeredAt);
  }

  /**
   * Deletes the stored answers for which `isMeant` returns true, and returns the deleted answers. Throws errors of the file system.
   */
  forget(isMeant: (answer: ListedAnswer) => boolean): ListedAnswer[] {
    const forgotten = this.list().filter(isMeant);
    for (const answer of forgotten) rmSync(join(this.#folder, fileNameOf(answer, answer.workspace)), { force: true });
    return forgotten;
  }

  /**
   * Returns the set of tools that are known to have no stored answer, to which `find` adds more. Returns undefined if the folder cannot be
   * checked. Also returns undefined if the folder has just changed, because the next change could get the same change time and would not be
   * noticed.
   */
  #unansweredNow(): Set<string> | undefined {
    const now = this.#parts.now();
    if (Math.abs(now - this.#unanswered.lookedAt) < lookMs) return this.#unanswered.tools;
    try {
      const changedAt = statSync(this.#folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
      if (now - changedAt < settledMs) return undefined;
      if (this.#unanswered.changedAt !== changedAt) this.#unanswered = { lookedAt: now, changedAt, tools: new Set() };
      this.#unanswered.lookedAt = now;
      return this.#unanswered.tools;
    } catch {
      return undefined;
    }
  }

  #names(): string[] {
    try {
      return readdirSync(this.#folder).filter((name) => name.endsWith(".json"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  /**
   * Reads a stored answer. An answer that exists but cannot be read (because its file is damaged, or too many files are open) counts as "no",
   * because it may be a "no".
   */
  #readOrNo(name: string, tool: RememberedTool, workspace: string | undefined): StoredApproval | undefined {
    const path = join(this.#folder, name);
    try {
      const answer = readExisting(path);
      if (answer && !isAnswer(answer, name)) throw damaged(path);
      return answer;
    } catch (error) {
      const message = `the kept answer about ${tool.server}.${tool.tool} cannot be read, so it counts as no: ${messageOf(error)}`;
      this.#parts.observe({ level: "warn", scope: "config", message });
      const { server, place } = tool;
      const remember = workspace === undefined ? "always" : "project";
      return { server, tool: tool.tool, place, allow: false, remember, workspace, answeredAt: this.#parts.now() };
    }
  }

  /** Reads a stored answer. Ignores a file if its name does not match its content. */
  #read(name: string): StoredApproval | undefined {
    const answer = readState(join(this.#folder, name));
    return answer && isAnswer(answer, name) ? answer : undefined;
  }
}

function notLooked() {
  return { lookedAt: Number.NEGATIVE_INFINITY, changedAt: 0, tools: new Set<string>() };
}

function fileNameOf({ server, tool, place }: RememberedTool, workspace: string | undefined): string {
  return `${hash("sha256", JSON.stringify([place, server, tool, workspace ?? null]), "hex").slice(0, 32)}.json`;
}

/** Returns true if the file with this name may hold the answer. */
function isAnswer(answer: object, name: string): answer is StoredApproval {
  return isStored(answer) && fileNameOf(answer, answer.workspace) === name;
}

function isStored(answer: object): answer is StoredApproval {
  const { server, tool, place, allow, remember, workspace, answeredAt } = answer as Partial<StoredApproval>;
  return (
    [server, tool, place].every((text) => typeof text === "string") &&
    typeof allow === "boolean" &&
    typeof answeredAt === "number" &&
    (remember === "project" ? typeof workspace === "string" : remember === "always" && workspace === undefined)
  );
}
