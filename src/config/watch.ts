import { existsSync, type FSWatcher, realpathSync, watch } from "node:fs";
import { dirname } from "node:path";
import { type FileTexts, readText } from "../core/source/source.js";

/**
 * Time, in ms, that must pass without another file system event before the files are compared, because an editor may write a file several
 * times.
 */
const debounceMs = 200;
/** Longest time, in ms, from the first event until the files are compared, even if further events keep arriving. */
const longestDebounceMs = 1000;

interface FileListener {
  /** Called after the content of a file has changed, or a file has been deleted or created. */
  changed(): void;
  /** Called if the system cannot report changes in this folder. */
  failed(folder: string, error: Error): void;
}

interface FolderWatch {
  /** The folder, or its nearest existing parent if the folder does not exist. */
  watched: string;
  watcher: FSWatcher;
}

/**
 * Watches the contents of files. Watches the folders of the files, because editors replace files instead of changing them. Compares the
 * contents, because other files in these folders may change too. The watch does not keep the process alive.
 */
export class FileWatch {
  readonly #listener: FileListener;
  /** Watches, keyed by the folder of the watched file. If that folder does not exist, the watch is on a parent. */
  readonly #watches = new Map<string, FolderWatch>();
  #texts: FileTexts;
  #timer: NodeJS.Timeout | undefined;
  /** Time of the first event since the last comparison. */
  #since = 0;

  /** Starts watching. Changes that happened after `texts` were read are also reported, even if they happened before this call. */
  constructor(texts: FileTexts, listener: FileListener) {
    this.#listener = listener;
    this.#texts = texts;
    this.#watchFolders();
    this.#compareSoon();
  }

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

  /**
   * Adapts the watches to the existing folders. If a missing folder now exists, watches the folder itself. If a watched folder was deleted,
   * watches a parent.
   */
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

/** Reads a file. For a pipe, returns the known text, because a pipe can be read only once. */
function textOf(path: string, known: string | undefined): string | undefined {
  const read = readText(path);
  if ("text" in read) return read.text;
  return read.isPipe ? known : undefined;
}

/** Returns the folder of the file. If the file is a link, also returns the folder of the link's target. */
function foldersOf(path: string): string[] {
  try {
    return [dirname(path), dirname(realpathSync(path))];
  } catch {
    return [dirname(path)];
  }
}
