import wrapAnsi from "wrap-ansi";
import { errorInfo, messageOf, RequestError } from "../../core/errors.js";
import { writeWhole } from "../../core/files/whole-file.js";
import type { ContentPart } from "../../core/messages.js";
import { unambiguous } from "../../core/text/inert.js";
import { isSlashCommand, runSlashCommand } from "../../session/commands/commands.js";
import type { CommandOutcome } from "../../session/commands/slash-command.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import { atHome } from "../shared/attachments.js";
import type { DoorParts } from "../shared/door.js";
import { exitCodes } from "../shared/exit-codes.js";
import { turnsElsewhereNote } from "../shared/turn-lines.js";
import { ChatConversation } from "./chat-conversation.js";
import { createCompleter } from "./completion/completion.js";
import type { EditorParts, LineEditor, Terminal } from "./editor/editor.js";
import { InputHistory } from "./editor/input-history.js";
import { PlainEditor } from "./editor/plain-editor.js";
import { ScreenEditor } from "./editor/screen-editor.js";
import { greetingLines } from "./greeting.js";
import { Interrupts } from "./interrupts.js";
import { attachMentions } from "./mentions.js";
import type { ChatHost, ReplOptions, ReplTerminal } from "./options.js";
import { TurnQuestions } from "./turn-questions.js";
import { TurnScreen } from "./turn-screen.js";

const keysHelp = `@file, @"my file" or @uri attaches a file or a resource. Tab completes; Up and Ctrl-R recall earlier lines.
Alt-Enter, Ctrl-J or a \\ at the end begins a new line. Esc or Ctrl-C cancels a turn; lines entered meanwhile are queued.`;

/** Runs a chat at a terminal. Resolves to the exit code when the user leaves. */
export async function runRepl(parts: DoorParts, options: ReplOptions, terminal: ReplTerminal): Promise<number> {
  const repl = new Repl(parts, options, terminal);
  const stopInterrupts = terminal.onInterrupt(() => repl.interrupts.ctrlC());
  repl.greet();
  const stopNotices = terminal.onNotice?.((line) => repl.notice(line));
  try {
    return await Promise.race([repl.run(), repl.interrupts.left]);
  } finally {
    stopInterrupts();
    stopNotices?.();
    repl.close();
  }
}

class Repl {
  readonly #parts: DoorParts;
  readonly #options: ReplOptions;
  readonly #host: ChatHost;
  readonly #terminal: ReplTerminal;
  readonly #editor: LineEditor;
  readonly #screen: TurnScreen;
  readonly interrupts: Interrupts;
  /** Turns that this host has resumed because a line waits for them, by request id. The promises resolve when the turns were shown. */
  readonly #resumed = new Map<string, Promise<void>>();
  /** True while `#goOn` resumes turns, which it shows itself. */
  #isGoingOn = false;
  readonly #conversation: ChatConversation;

  constructor(parts: DoorParts, options: ReplOptions, terminal: ReplTerminal) {
    this.#parts = parts;
    this.#options = options;
    this.#host = options.host ?? {};
    this.#terminal = terminal;
    this.#conversation = new ChatConversation(parts, options);
    const { colors, output } = terminal;
    const { models = () => [] } = this.#host;
    this.#editor = openEditor(terminal, {
      onInterrupt: () => this.interrupts.ctrlC(),
      onEscape: () => this.interrupts.escape(),
      history: new InputHistory(this.#host.historyFile),
      complete: createCompleter({ hub: parts.hub, sessions: parts.sessions, models, folder: this.#folder }),
      showsTypedAhead: colors.isColorSupported,
      dim: colors.dim,
      facts: () => (colors.isColorSupported ? this.#conversation.facts : undefined),
    });
    this.#screen = new TurnScreen(parts.hub, {
      write: (text) => this.#editor.print(text),
      showBelow: (rows) => this.#editor.showBelow(rows),
      columns: () => output.columns || 80,
      colors,
      toolNotifications: options.toolNotifications,
    });
    this.interrupts = new Interrupts({
      now: parts.now,
      note: (text) => this.#screen.note(text),
      dropLine: () => this.#editor.dropLine(),
      hint: () => this.#editor.print(this.#dim("press Ctrl-C again to leave")),
    });
  }

  greet(): void {
    const greeting = greetingLines(this.#options, this.#conversation.modelName, this.#parts.hub);
    this.#editor.print(`${greeting.map((line) => this.#dim(line)).join("")}\n`);
  }

  async run(): Promise<number> {
    this.#parts.sessions.onResumed((turn, { id }) => {
      if (this.#isGoingOn || id !== this.#conversation.session.id) return;
      const { requestId } = turn;
      const shown = this.#showResumed(turn).finally(() => this.#resumed.delete(requestId));
      this.#resumed.set(requestId, shown);
    });
    await this.#recover();
    this.#parts.sessions.startUpkeep();
    const { prompt } = this.#options;
    if (prompt !== undefined) this.#editor.print(`> ${unambiguous(prompt)}\n`);
    for (let line = prompt ?? (await this.#editor.next()); line !== undefined; line = await this.#editor.next()) {
      this.interrupts.forget();
      const outcome = await this.#take(line.trim());
      if (outcome?.type === "exit") break;
      if (outcome) await this.#carryOut(outcome);
    }
    return exitCodes.done;
  }

  notice(line: string): void {
    if (this.interrupts.isRunning) this.#screen.note(line);
    else this.#editor.print(this.#dim(line));
  }

  close(): void {
    this.#screen.pause();
    this.#editor.close();
  }

  /** Handles a line that was entered. Resolves to its outcome, or to undefined if the line is empty or an error was shown. */
  async #take(line: string): Promise<CommandOutcome | undefined> {
    if (line === "") return undefined;
    const stopped = new AbortController();
    let outcome: CommandOutcome | undefined;
    await this.#stoppable(
      () => stopped.abort(),
      async () => {
        outcome = await (isSlashCommand(line)
          ? this.#command(line, stopped.signal)
          : this.#prompt(line, stopped.signal));
      },
    );
    return outcome;
  }

  #command(line: string, signal: AbortSignal): Promise<CommandOutcome> {
    const { hub, sessions, resolveModel, reload } = this.#parts;
    const { secrets, permissions } = this.#host;
    const { session, model } = this.#conversation;
    const scope = { hub, sessions, session, model, resolveModel, reload, secrets, permissions, signal };
    return runSlashCommand(line, { ...scope, help: keysHelp });
  }

  async #prompt(text: string, signal: AbortSignal): Promise<CommandOutcome> {
    const attachments = await attachMentions(text, { hub: this.#parts.hub, folder: this.#folder, signal });
    for (const { name, size } of attachments) this.#editor.print(this.#dim(`attached ${name} (${size})`));
    return { type: "prompt", content: [{ type: "text", text }, ...attachments.flatMap(({ parts }) => parts)] };
  }

  async #carryOut(outcome: Exclude<CommandOutcome, { type: "exit" }>): Promise<void> {
    switch (outcome.type) {
      case "text":
        return this.#editor.print(`${unambiguous(outcome.text)}\n\n`);
      case "prompt":
        return this.#turn(outcome.content);
      case "clear":
        this.#conversation.enter();
        return this.#editor.print(this.#dim(`new conversation ${this.#conversation.session.id}`));
      case "resume":
        this.#conversation.enter(outcome.conversationId);
        this.#editor.print(this.#dim(`conversation ${outcome.conversationId} goes on`));
        return this.#goOn();
      case "save":
        return this.#save(outcome);
      case "model":
        this.#conversation.model = outcome.model;
        return this.#editor.print(this.#dim(`model ${this.#conversation.modelName}`));
      default:
        outcome satisfies never;
    }
  }

  /** Resumes a turn that an earlier process left in this conversation. Lists the other conversations that have an unfinished turn. */
  async #recover(): Promise<void> {
    if (this.#options.conversationId) await this.#goOn();
    try {
      const others = (await this.#parts.sessions.unfinished()).filter((id) => id !== this.#conversation.session.id);
      for (const id of others) {
        this.#editor.print(this.#dim(`conversation ${id} has an unfinished turn; chat -r ${id} continues it`));
      }
    } catch (error) {
      this.#screen.error(errorInfo(error));
    }
  }

  async #goOn(): Promise<void> {
    try {
      this.#isGoingOn = true;
      const resumed = await this.#conversation.session.abandoned.takeOverAll().finally(() => {
        this.#isGoingOn = false;
      });
      for (const turn of resumed) {
        this.#editor.print(this.#dim("an unfinished turn continues"));
        await this.#show(turn.requestId, async () => turn);
      }
      if (await this.#conversation.session.hasTurnsElsewhere()) this.#editor.print(this.#dim(turnsElsewhereNote));
      await this.#conversation.count();
    } catch (error) {
      this.#screen.error(errorInfo(error));
    }
  }

  /** Shows a turn that this host has resumed because the line that was entered waits for it. */
  async #showResumed(turn: LiveTurn): Promise<void> {
    this.#editor.print(this.#dim("an unfinished turn continues first"));
    try {
      await this.#watch(turn);
    } catch (error) {
      this.#screen.error(errorInfo(error));
    }
  }

  async #watch(turn: LiveTurn): Promise<void> {
    const { session } = this.#conversation;
    const { colors } = this.#terminal;
    const questions = new TurnQuestions({ turn, session, editor: this.#editor, screen: this.#screen, colors });
    try {
      for await (const event of turn.watch()) {
        this.#screen.show(event);
        if (session.questions.isAsking(event)) questions.add(event);
      }
    } finally {
      await questions.done(); // also after an error, because the end of a question changes the screen
    }
  }

  #turn(content: ContentPart[]): Promise<void> {
    const requestId = this.#parts.newId("req");
    return this.#show(requestId, () => this.#conversation.submit(requestId, content));
  }

  #show(requestId: string, begin: () => Promise<LiveTurn>): Promise<void> {
    const { session } = this.#conversation;
    return this.#stoppable(
      () => {
        for (const id of [...this.#resumed.keys(), requestId]) session.cancel(id);
      },
      async () => {
        await this.#watch(await begin());
        await Promise.all(this.#resumed.values());
        await this.#conversation.count();
      },
    );
  }

  /** Writes a text to a new file. An existing file is not overwritten; an error is shown. */
  async #save({ file, pieces }: Extract<CommandOutcome, { type: "save" }>): Promise<void> {
    try {
      await writeWhole(atHome(file, this.#folder), pieces, { isNew: true });
      this.#editor.print(this.#dim(`written to ${file}`));
    } catch (error) {
      this.#screen.error(errorInfo(new RequestError("usage", `nothing was written: ${messageOf(error)}`)));
      this.#screen.end();
    }
  }

  /** Runs work that Ctrl-C can stop. A status line is shown below the output while the work runs. */
  async #stoppable(stop: () => void, work: () => Promise<void>): Promise<void> {
    this.#screen.resume();
    try {
      await this.interrupts.during(stop, work);
    } catch (error) {
      this.#screen.error(errorInfo(error));
    } finally {
      this.#screen.end();
    }
  }

  get #folder(): string {
    return this.#host.folder ?? process.cwd();
  }

  #dim(line: string): string {
    const { colors, output } = this.#terminal;
    return `${colors.dim(wrapAnsi(unambiguous(line), output.columns || 80))}\n`;
  }
}

/** Opens an editor in the terminal. If the input is not a terminal, or if its cursor cannot move, the editor reads plain lines. */
function openEditor(terminal: Terminal, parts: EditorParts): LineEditor {
  return terminal.isTty && !terminal.isDumb ? new ScreenEditor(terminal, parts) : new PlainEditor(terminal);
}
