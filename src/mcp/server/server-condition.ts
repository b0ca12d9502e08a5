import type { ServerConfig } from "../../core/config.js";
import type { ServerState } from "../../core/events.js";
import type { Observe } from "../../core/ports.js";
import { beginningOf } from "../../core/text/excerpt.js";
import { redactor } from "../shared/redact-secrets.js";

/** Longest notice in the log, in characters. A notice may quote a whole message of the server. */
const maxNoticeChars = 200;
const maxLogChars = 2000;
/**
 * Longest reason, in characters. A reason may quote names and errors of the server. Every list of servers contains the reason, and every
 * running turn keeps it in memory.
 */
const maxReasonChars = 4000;

const stateLabels: Record<ServerState, string> = {
  starting: "is starting",
  ready: "is ready",
  degraded: "is degraded",
  needs_auth: "needs authorization",
  failed: "has failed",
  disabled: "is disabled",
};

type LineLevel = "debug" | "info" | "warn";

interface ConditionParts {
  observe: Observe;
  changed: () => void;
  now?: () => number;
}

/** The state of one server. Each change is logged and reported to a listener. */
export class Condition {
  state: ServerState;
  /** Reason why the server is not ready, and advice for the user. */
  reason: string | undefined;
  readonly #name: string;
  readonly #observe: Observe;
  readonly #changed: () => void;
  readonly #redact: (text: string) => string;
  readonly #lineLimit: LogLineLimit;

  /** `now` returns the time in ms of a clock that never goes back. */
  constructor(config: ServerConfig, { observe, changed, now = () => performance.now() }: ConditionParts) {
    this.#lineLimit = new LogLineLimit(now);
    this.state = config.enabled && !config.refusal ? "starting" : "disabled";
    this.reason = config.refusal;
    this.#name = config.name;
    this.#observe = observe;
    this.#changed = changed;
    this.#redact = redactor(config);
  }

  set(state: ServerState, reason?: string): void {
    const shownReason = reason && beginningOf(this.#redact(reason), maxReasonChars);
    if (state === this.state && shownReason === this.reason) return;
    this.state = state;
    this.reason = shownReason;
    const isGood = state === "ready" || state === "starting";
    this.#write(isGood ? "info" : "warn", shownReason ? `${state}: ${shownReason}` : state);
    this.#changed();
  }

  /** The state as a sentence, for example `the MCP server "fs" has failed: command not found: foo (install it …)`. */
  get sentence(): string {
    const sentence = `the MCP server "${this.#name}" ${stateLabels[this.state]}`;
    return this.reason ? `${sentence}: ${this.reason}` : sentence;
  }

  notice(text: string): void {
    this.#write("debug", this.#redact(text).slice(0, maxNoticeChars));
  }

  /**
   * Copies a line of the server's own log to the host's log. An error of the server becomes a warning of the host. Returns the line without
   * secrets.
   */
  logged(level: string, text: string): string {
    const ours = level === "debug" ? "debug" : level === "info" || level === "notice" ? "info" : "warn";
    const redacted = this.#redact(text);
    const line = this.#lineLimit.next();
    if (line && line.dropped > 0) this.#write("warn", `${line.dropped} further lines came too fast and are left out`);
    if (line) this.#write(ours, redacted.slice(0, maxLogChars));
    return redacted;
  }

  log(level: LineLevel, text: string): void {
    this.#write(level, this.#redact(text));
  }

  /** Writes a text without secrets. A text is redacted before it is shortened, since a part of a secret would not be recognised. */
  #write(level: LineLevel, text: string): void {
    const message = `${this.#name}: ${text}`;
    this.#observe({ level, scope: "mcp", message, fields: { server: this.#name } });
  }
}

/**
 * Maximum number of lines that one server may write into the host's log in a burst; after a burst, the limit is `linesPerSecond`. The
 * server's own log file gets all lines.
 */
const linesAtOnce = 100;
const linesPerSecond = 10;

/** Limits the lines that one server writes into the host's log. */
class LogLineLimit {
  readonly #now: () => number;
  #linesLeft = linesAtOnce;
  #countedAt: number;
  #linesDropped = 0;

  /** `now` returns the time in ms of a clock that never goes back. */
  constructor(now: () => number) {
    this.#now = now;
    this.#countedAt = now();
  }

  /**
   * Counts one more line. Returns undefined if the line must be dropped, because the server writes too fast. Otherwise returns the number of
   * lines that were dropped since the last line that was not.
   */
  next(): { dropped: number } | undefined {
    const now = this.#now();
    const more = ((now - this.#countedAt) / 1000) * linesPerSecond;
    this.#linesLeft = Math.min(linesAtOnce, this.#linesLeft + more);
    this.#countedAt = now;
    if (this.#linesLeft < 1) {
      this.#linesDropped += 1;
      return undefined;
    }
    this.#linesLeft -= 1;
    const dropped = this.#linesDropped;
    this.#linesDropped = 0;
    return { dropped };
  }
}
