/** Log files of the servers, one for each server. A file contains what the server writes to stderr, its log messages and its states. */
import { appendFile, mkdir, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { ServerConfig } from "../../core/config.js";
import { messageOf } from "../../core/errors.js";
import { serverLogFile } from "../../core/files/server-log-file.js";
import type { Observe } from "../../core/ports.js";
import { redactor } from "../shared/redact-secrets.js";

/** Size in bytes at which a file is renamed to `.1` and a new file begins. */
const maxFileBytes = 1_000_000;
/** Maximum number of characters that wait to be written. If a server writes faster than the disk, further lines are dropped. */
const maxPendingChars = 256_000;
const maxLineChars = 8_000;

interface ServerLogParts {
  observe: Observe;
  /** Returns the current time, in ms since the epoch. */
  now: () => number;
  /** Returns the text without the secrets that must not be stored. */
  clear(text: string): string;
}

export class ServerLogs {
  readonly #folder: string;
  readonly #parts: ServerLogParts;
  readonly #files = new Map<string, LogFile>();
  readonly #logs = new Set<ServerLog>();

  constructor(folder: string, parts: ServerLogParts) {
    this.#folder = folder;
    this.#parts = parts;
  }

  of(config: ServerConfig): ServerLog {
    const path = serverLogFile(this.#folder, config.name);
    const file = this.#files.get(path) ?? new LogFile(path, this.#parts);
    this.#files.set(path, file);
    const log = new ServerLog(config, file);
    this.#logs.add(log);
    return log;
  }

  /** Ends all logs. Resolves once everything has been written to the files. */
  async close(): Promise<void> {
    for (const log of this.#logs) log.end();
    await Promise.all([...this.#files.values()].map((file) => file.written()));
  }
}

export class ServerLog {
  readonly #file: LogFile;
  readonly #redact: (text: string) => string;
  /** The beginning of a stderr line whose end has not arrived yet. */
  #rest = "";

  constructor(config: ServerConfig, file: LogFile) {
    this.#file = file;
    this.#redact = redactor(config);
  }

  /** Adds a piece of stderr text, which may end in the middle of a line. */
  stderr(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > maxLineChars) {
      lines.push(this.#rest);
      this.#rest = "";
    }
    for (const line of lines) this.line("stderr", line);
  }

  /** Adds one line. `source` is `stderr`, `host`, or the level of a log message. */
  line(source: string, text: string): void {
    if (text.trim() === "") return;
    this.#file.add(`${source} ${this.#redact(text).slice(0, maxLineChars).trimEnd().replaceAll("\n", "\\n")}`);
  }

  end(): void {
    this.line("stderr", this.#rest);
    this.#rest = "";
  }
}

class LogFile {
  readonly #path: string;
  readonly #parts: ServerLogParts;
  #pending: string[] = [];
  #pendingChars = 0;
  #dropped = 0;
  #writing: Promise<void> | undefined;
  #isBroken = false;

  constructor(path: string, parts: ServerLogParts) {
    this.#path = path;
    this.#parts = parts;
  }

  add(text: string): void {
    if (this.#isBroken) return;
    if (this.#pendingChars > maxPendingChars) {
      this.#dropped += 1;
      return;
    }
    this.#pending.push(`${new Date(this.#parts.now()).toISOString()} ${process.pid} ${text}`);
    this.#pendingChars += text.length;
    this.#writing ??= this.#write();
  }

  async written(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      while (this.#pending.length > 0) {
        const lines = this.#pending.splice(0).map((line) => `${this.#parts.clear(line)}\n`);
        if (this.#dropped > 0) lines.push(`${this.#dropped} further lines came too fast and are left out\n`);
        this.#pendingChars = 0;
        this.#dropped = 0;
        await this.#makeRoom();
        await appendFile(this.#path, lines.join(""), { mode: 0o600 });
      }
    } catch (error) {
      this.#isBroken = true;
      const message = `the output of servers cannot be stored: ${messageOf(error)}`;
      this.#parts.observe({ level: "warn", scope: "mcp", message });
    } finally {
      this.#writing = undefined;
    }
  }

  async #makeRoom(): Promise<void> {
    const size = await stat(this.#path).then(
      (found) => found.size,
      () => 0,
    );
    if (size > maxFileBytes) await rename(this.#path, `${this.#path}.1`).catch(() => {}); // fails if another host renamed the file first
  }
}
