import { accessSync, constants, mkdirSync, mkdtempSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf, RequestError } from "../../core/errors.js";
import type { ScriptResult } from "../shared/script-result.js";
import type { PlannedRun } from "./run-plan.js";

/**
 * Stores transcripts in files that only their owner can read. If the user names a folder, the transcripts of all runs are stored there.
 * Otherwise only the transcripts of failed runs are stored, in a new temporary folder.
 */
export class Transcripts {
  readonly #keepsAll: boolean;
  #folder: string | undefined;

  /**
   * `given` is the absolute path of the folder for transcripts. The folder is created if it does not exist. Throws RequestError if the
   * folder is not writable.
   */
  constructor(given?: string) {
    this.#keepsAll = given !== undefined;
    this.#folder = given && writableFolder(given);
  }

  /**
   * Stores a transcript. `index` is the position of the run in the plan. Resolves with the file's path, or with undefined if the transcript
   * is not stored.
   */
  async keep({ name }: PlannedRun, { passed, transcript }: ScriptResult, index: number): Promise<string | undefined> {
    if (transcript === "" || (passed && !this.#keepsAll)) return undefined;
    this.#folder ??= mkdtempSync(join(tmpdir(), "mcp-platform-transcripts-"));
    const slug = name.replaceAll(/[^\w.=-]+/g, "-").slice(0, 100);
    const path = join(this.#folder, `${String(index + 1).padStart(3, "0")}-${slug}.jsonl`);
    // An existing file is deleted and not overwritten: other users may have the right to read this file, or the path may be a link.
    await rm(path, { force: true });
    await writeFile(path, transcript, { mode: 0o600, flag: "wx" });
    return path;
  }
}

function writableFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK);
    return path;
  } catch (error) {
    const isFile = (error as NodeJS.ErrnoException).code === "EEXIST";
    const problem = isFile ? "is a file; name a folder" : `cannot be written: ${messageOf(error)}`;
    throw new RequestError("usage", `--transcripts ${path} ${problem}`, { cause: error });
  }
}
