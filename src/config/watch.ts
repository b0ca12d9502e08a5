import { existsSync, type FSWatcher, realpathSync, watch } from "node:fs";
import { dirname } from "node:path";
import { type FileTexts, readText } from "../core/source.js";

/** An editor's several writes count as one. */
const debounceMs = 200;
/** Longest delay, if other changes in the folder keep arriving. */
const longestDebounceMs = 1000;

interface FileListener {
  /** Reports that a file's content has changed, or that the file is gone. */
  changed(): void;
  /** Reports that the system does not notify of changes in this folder. */
  failed(folder: string, error: Error): void;
}

interface FolderWatch {
  /** The folder itself, or its nearest existing ancestor. */
  watched: string;
  watcher: FSWatcher;
}

/**
 * Watcher of the contents of these files. Watches their folders, because editors replace files, and compares contents, because folders are
 * busy. Does not keep the process alive.
 */
export class FileWatch {
  readonly #listener: FileListener;
  /** Watches by the folder of a file. */
  readonly #watches = new Map<string, FolderWatch>();
  #texts: FileTexts;
  #timer: NodeJS.Timeout | undefined;
  /** Time of the first event that the timer has collected. */
  #since = 0;

  /** Reports changes since `texts` were read, too. */
  constructor(texts: FileTexts, listener: FileListener) {
    this.#listener = listener;
    this.#texts = texts;
    this.#watchFolders();
    this.#compareSoon();
  }

  /** Watches these files from now on. */
  watch(texts: FileTexts): void {
    this.#texts = texts;
    this.#watchFolders();
    this.#compareSoon();
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const { watcher } of this.#watches.values()) watcher.close();
    this.#watches.clear();
  }

  #watchFolders(): void {
    const folders = new Set([...this.#texts.keys()].flatMap(foldersOf));
    for (const [folder, { watcher }] of this.#watches) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#watches.delete(folder);
    }
    for (const folder of folders) {
      if (!this.#watches.has(folder)) this.#watchFolder(folder);
    }
  }

  #watchFolder(folder: string, watched = folder): void {
    try {
      const watcher = watch(watched, { persistent: false }, () => this.#compareSoon());
      watcher.on("error", (error) => this.#listener.failed(folder, error));
      this.#watches.set(folder, { watched, watcher });
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT" && dirname(watched) !== watched;
      if (isMissing) this.#watchFolder(folder, dirname(watched));
      else this.#listener.failed(folder, error as Error);
    }
  }

  /** Watches folders that have been created, and ancestors of folders that are gone. */
  #followFolders(): void {
    for (const [folder, { watched, watcher }] of [...this.#watches]) {
      if (watched === folder && existsSync(folder)) continue;
      watcher.close();
      this.#watches.delete(folder);
      this.#watchFolder(folder);
    }
  }

  #compareSoon(): void {
    const now = performance.now();
    if (this.#timer === undefined) this.#since = now;
    clearTimeout(this.#timer);
    const waitMs = Math.min(debounceMs, Math.max(0, this.#since + longestDebounceMs - now));
    this.#timer = setTimeout(() => this.#compare(), waitMs).unref();
  }

  #compare(): void {
    this.#timer = undefined;
    this.#followFolders();
    const texts = new Map([...this.#texts].map(([path, known]) => [path, textOf(path, known)]));
    const isSame = [...texts].every(([path, text]) => this.#texts.get(path) === text);
    this.#texts = texts;
    if (!isSame) this.#listener.changed();
  }
}

/** Reads a file. A pipe can be read only once and does not change, so its known text stays. */
function textOf(path: string, known: string | undefined): string | undefined {
  const read = readText(path);
  if ("text" in read) return read.text;
  return read.isPipe ? known : undefined;
}

/** Returns the folder of the file and the folder that a link leads to. */
function foldersOf(path: string): string[] {
  try {
    return [dirname(path), dirname(realpathSync(path))];
  } catch {
    return [dirname(path)];
  }
}
