import { existsSync, type FSWatcher, realpathSync, watch } from "node:fs";
import { dirname } from "node:path";
import { type FileTexts, readText } from "../core/source.js";

/** An editor's several writes count as one. */
const debounceMs = 200;
/** However much else happens in the folder meanwhile. */
const longestDebounceMs = 1000;

interface FileListener {
  /** The content of a file is another one, or the file is gone. */
  changed(): void;
  /** The system does not tell of changes in this folder. */
  failed(folder: string, error: Error): void;
}

interface FolderWatch {
  /** The folder itself, or the nearest one above it that is there. */
  watched: string;
  watcher: FSWatcher;
}

/**
 * Tells when one of these files has got another content. Watches their folders, for editors put a new file in the place of the
 * old one, and compares contents, for folders are busy. Holds no process.
 */
export class FileWatch {
  readonly #listener: FileListener;
  /** By the folder of a file. */
  readonly #watches = new Map<string, FolderWatch>();
  #texts: FileTexts;
  #timer: NodeJS.Timeout | undefined;
  /** When the events began that the timer waits for the end of. */
  #since = 0;

  /** What has changed since this was read is told, too. */
  constructor(texts: FileTexts, listener: FileListener) {
    this.#listener = listener;
    this.#texts = texts;
    this.#watchFolders();
    this.#compareSoon();
  }

  /** From now on these files. */
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

  /** Watches folders that have come to be, and those above folders that are gone. */
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

/** A pipe can be read once only, and nothing in it changes. */
function textOf(path: string, known: string | undefined): string | undefined {
  const read = readText(path);
  if ("text" in read) return read.text;
  return read.isPipe ? known : undefined;
}

/** That of the file, and where a link leads. */
function foldersOf(path: string): string[] {
  try {
    return [dirname(path), dirname(realpathSync(path))];
  } catch {
    return [dirname(path)];
  }
}
