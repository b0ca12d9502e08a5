import { accessSync, constants, mkdirSync, mkdtempSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf, RequestError } from "../../../core/errors.js";
import type { ScriptResult } from "../result.js";
import type { PlannedRun } from "./plan.js";

/** Transcript files that only their owner can read: of all runs in a given folder, otherwise of failed runs in a new temporary one. */
export class Transcripts {
  readonly #keepsAll: boolean;
  #folder: string | undefined;

  /** `given` is an absolute path; a missing folder is created. Throws RequestError if it is not writable. */
  constructor(given?: string) {
    this.#keepsAll = given !== undefined;
    this.#folder = given && writableFolder(given);
  }

  /** `index`: position in the plan. Resolves to the file's path, or to undefined if nothing is stored. */
  async keep({ name }: PlannedRun, { passed, transcript }: ScriptResult, index: number): Promise<string | undefined> {
    if (transcript === "" || (passed && !this.#keepsAll)) return undefined;
    this.#folder ??= mkdtempSync(join(tmpdir(), "mcp-platform-transcripts-"));
    const slug = name.replaceAll(/[^\w.=-]+/g, "-").slice(0, 100);
    const path = join(this.#folder, `${String(index + 1).padStart(3, "0")}-${slug}.jsonl`);
    // An earlier file may be readable by others or be a link.
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
