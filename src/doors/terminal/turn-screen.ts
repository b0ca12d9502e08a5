import type { ErrorInfo, StoredEvent, TurnEvent } from "../../core/events.js";
import type { ToolHub } from "../../core/ports.js";
import { unambiguous } from "../../core/text/inert.js";
import { summarizeTurn } from "../../session/shared/summary.js";
import { StatusLine } from "../shared/status-line.js";
import { type Colors, lastColumns, oneLine } from "../shared/terminal.js";
import { errorLines, ServerLosses, stopNote, ToolLines, usageNote } from "../shared/turn-lines.js";
import { createRenderer } from "./markdown-render.js";
import { MarkdownStream, PlainStream, type TextStream } from "./text-stream.js";

type Section = "text" | "note";

export interface Screen {
  write: (text: string) => void;
  /** Shows rows below the output: the text that is being written, and the current activity. An empty list removes them. */
  showBelow: (rows: readonly string[]) => void;
  columns: () => number;
  colors: Colors;
  toolNotifications: boolean;
}

/**
 * Shows turns on a terminal: rendered Markdown and a line for each tool call. While something runs, the block of text that is being written
 * and a status line are below; they are redrawn in place.
 */
export class TurnScreen {
  readonly #screen: Screen;
  readonly #tools: ToolLines;
  readonly #losses = new ServerLosses();
  readonly #text: TextStream;
  readonly #status: StatusLine;
  readonly #running = new Map<string, string>();
  #stored: StoredEvent[] = [];
  #reasoning = "";
  #messageShown = false;
  /** Kind of the latest output in this turn. Outputs of different kinds are separated by a blank line. */
  #section: Section | undefined;

  constructor(hub: ToolHub, screen: Screen) {
    this.#screen = screen;
    this.#tools = new ToolLines(hub);
    this.#status = new StatusLine((line) => screen.showBelow(this.#below(line)));
    this.#text = screen.colors.isColorSupported
      ? new MarkdownStream(createRenderer(screen.colors), () => screen.columns() - 1)
      : new PlainStream();
  }

  /** Shows the status line until `pause` or `end` is called. */
  resume(): void {
    if (this.#screen.colors.isColorSupported) this.#status.start(() => this.#statusText());
  }

  pause(): void {
    this.#status.stop();
  }

  show(event: TurnEvent): void {
    switch (event.type) {
      case "reasoning_delta":
        this.#reasoning = (this.#reasoning + event.delta).slice(-reasoningShown);
        break;
      case "text_delta":
        this.#messageShown = true;
        this.#print("text", this.#text.push(event.delta));
        break;
      case "discard":
        this.#endText();
        this.note(`the answer starts again: ${event.reason}`);
        break;
      case "tool_progress":
        this.#progress(event);
        break;
      case "server_status":
        this.#note(this.#losses.line(event));
        break;
      default:
        this.#showStored(event);
    }
  }

  #showStored(event: StoredEvent): void {
    this.#stored.push(event);
    switch (event.type) {
      case "assistant_message":
        if (!this.#messageShown) this.#print("text", this.#text.push(event.message.content));
        this.#endText();
        break;
      case "tool_call":
        this.#running.set(event.call.id, this.#tools.name(event.call.name));
        this.#toolLine(this.#tools.call(event.call, this.#screen.columns()));
        break;
      case "tool_sent":
        this.#tools.sent(event);
        break;
      case "tool_result":
        this.#running.delete(event.callId);
        this.#toolLine(this.#tools.result(event, this.#screen.columns()), event.isError);
        break;
      case "compaction":
        this.note("older turns were summarised for the model");
        break;
      case "trim":
        this.note("the oldest turns are left out from now on, because the model has no room for them");
        break;
      case "turn_end": {
        const summary = summarizeTurn(this.#stored);
        const usage = this.#screen.colors.isColorSupported ? usageNote(summary) : undefined;
        for (const note of [stopNote(summary), usage]) this.#note(note);
        break;
      }
      case "turn_error":
        this.error(event.error);
        break;
      case "user_message":
      case "question":
      case "answer":
      case "state_lost":
      case "catalogue":
      case "rewind":
      case "fork":
      case "title":
        break;
      default:
        event satisfies never;
    }
  }

  note(text: string): void {
    this.#print("note", `${this.#screen.colors.dim(unambiguous(text))}\n`);
  }

  #note(text: string | undefined): void {
    if (text) this.note(text);
  }

  error(error: ErrorInfo): void {
    this.#print("note", this.#screen.colors.red(unambiguous(errorLines(error))));
  }

  /** Ends the output of this turn and resets the screen for the next one. */
  end(): void {
    this.#endText();
    this.pause();
    this.#running.clear();
    this.#stored = [];
    if (this.#section) this.#screen.write("\n");
    this.#section = undefined;
  }

  #endText(): void {
    this.#print("text", this.#text.end());
    this.#messageShown = false;
    this.#reasoning = "";
  }

  #toolLine(line: string, isError = false): void {
    const { colors, toolNotifications } = this.#screen;
    if (toolNotifications) this.#print("note", `${(isError ? colors.red : colors.dim)(line)}\n`);
  }

  #print(section: Section, text: string): void {
    if (text === "") return;
    this.#status.draw(); // without the text that is printed next
    this.#screen.write(this.#gapBefore(section) + text);
    this.#section = section;
  }

  #gapBefore(section: Section): string {
    return this.#section && this.#section !== section ? "\n" : "";
  }

  #below(status: string | undefined): string[] {
    if (status === undefined) return [];
    const draft = this.#text.draft();
    return draft === "" ? [status] : [...(this.#gapBefore("text") + draft).split("\n"), status];
  }

  #progress({ callId, progress, total, message }: Extract<TurnEvent, { type: "tool_progress" }>): void {
    const [name] = (this.#running.get(callId) ?? callId).split(" ");
    const amount = total === undefined ? String(progress) : `${progress}/${total}`;
    this.#running.set(callId, [name, amount, message].filter(Boolean).join(" "));
  }

  #statusText(): string {
    const { colors, columns } = this.#screen;
    const width = columns() - spinnerColumns;
    if (this.#running.size > 0) return oneLine([...this.#running.values()].join(", "), width);
    if (this.#messageShown) return colors.dim("writing");
    return colors.dim(lastColumns(this.#reasoning, width).trim() || "thinking");
  }
}

const reasoningShown = 2000;
/** Columns for the spinner, a space, and an empty last column that keeps the cursor on this line. */
const spinnerColumns = 3;
