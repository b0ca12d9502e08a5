import wrapAnsi from "wrap-ansi";
import type { ContentPart, QuestionEvent } from "../core/chat.js";
import { errorInfo } from "../core/errors.js";
import { type CommandOutcome, isSlashCommand, runSlashCommand } from "../session/commands.js";
import type { LiveTurn } from "../session/live-turn.js";
import type { PromptRequest, Session } from "../session/session.js";
import { askPerson } from "./ask-person.js";
import type { DoorParts, OnInterrupt } from "./door.js";
import { exitCodes } from "./exit-codes.js";
import { type Greeting, greetingLines } from "./greeting.js";
import { LineEditor, type Terminal } from "./line-editor.js";
import { type Colors, inert } from "./terminal.js";
import { TurnScreen } from "./turn-screen.js";

/** Without a conversation id a new conversation begins. */
export interface ReplOptions extends Omit<PromptRequest, "requestId" | "text" | "content">, Greeting {
  toolNotifications: boolean;
}

export interface ReplTerminal extends Terminal {
  /** Its `isColorSupported` also decides about rendered Markdown and the status line. */
  colors: Colors;
  onInterrupt: OnInterrupt;
  /** Lines about the host while the chat goes on, as of a server that has failed. */
  onNotice?: (listener: (line: string) => void) => () => void;
}

/** A chat on a terminal. Resolves to the exit code. */
export async function runRepl(parts: DoorParts, options: ReplOptions, terminal: ReplTerminal): Promise<number> {
  const repl = new Repl(parts, options, terminal);
  const stopInterrupts = terminal.onInterrupt(() => repl.interrupt());
  const stopNotices = terminal.onNotice?.((line) => repl.notice(line));
  try {
    return await Promise.race([repl.run(), repl.left]);
  } finally {
    stopInterrupts();
    stopNotices?.();
    repl.close();
  }
}

/** How long after the first Ctrl-C at an empty prompt the second one leaves. */
const secondInterruptMs = 2000;

class Repl {
  readonly #parts: DoorParts;
  readonly #options: ReplOptions;
  readonly #terminal: ReplTerminal;
  readonly #editor: LineEditor;
  readonly #screen: TurnScreen;
  #session: Session;
  #model: string | undefined;
  /** What the first Ctrl-C stops. */
  #stop: (() => void) | undefined;
  /** Until when a Ctrl-C leaves. */
  #leaveUntil = 0;
  #leave: (exitCode: number) => void = () => {};
  /** Resolves when the person has left in the middle of something. */
  readonly left = new Promise<number>((resolve) => {
    this.#leave = resolve;
  });

  constructor(parts: DoorParts, options: ReplOptions, terminal: ReplTerminal) {
    this.#parts = parts;
    this.#options = options;
    this.#terminal = terminal;
    this.#model = options.model;
    this.#session = parts.sessions.open(options.conversationId);
    this.#editor = new LineEditor(terminal, () => this.interrupt());
    this.#screen = new TurnScreen(parts.hub, {
      write: (text) => this.#print(text),
      columns: () => terminal.output.columns || 80,
      colors: terminal.colors,
      toolNotifications: options.toolNotifications,
    });
  }

  async run(): Promise<number> {
    const greeting = greetingLines(this.#options, this.#modelName(), this.#parts.hub);
    this.#print(`${greeting.map((line) => this.#dim(line)).join("")}\n`);
    await this.#recover();
    this.#parts.sessions.startRetention();
    for (let line = await this.#editor.next(); line !== undefined; line = await this.#editor.next()) {
      this.#leaveUntil = 0;
      const outcome = await this.#take(line.trim());
      if (outcome?.type === "exit") break;
      if (outcome) await this.#carryOut(outcome);
    }
    return exitCodes.done;
  }

  interrupt(): void {
    if (this.#parts.now() < this.#leaveUntil) {
      this.#leave(exitCodes.cancelled);
    } else if (this.#stop) {
      this.#stop();
      this.#leaveUntil = Number.POSITIVE_INFINITY;
      this.#screen.note("cancelling; Ctrl-C again leaves");
    } else if (this.#editor.typing) {
      this.#editor.restart("");
    } else {
      this.#leaveUntil = this.#parts.now() + secondInterruptMs;
      this.#editor.restart(`${this.#terminal.colors.dim("press Ctrl-C again to leave")}\n`);
    }
  }

  notice(line: string): void {
    if (!this.#editor.showAbove(this.#dim(line))) this.#screen.note(line);
  }

  close(): void {
    this.#screen.pause();
    this.#editor.close();
  }

  /** What a line asks for; undefined when it asks for nothing, or for something that could not be done. */
  async #take(line: string): Promise<CommandOutcome | undefined> {
    if (line === "") return undefined;
    if (!isSlashCommand(line)) return { type: "prompt", content: [{ type: "text", text: line }] };
    const { hub, resolveModel, reload } = this.#parts;
    const stopped = new AbortController();
    const scope = { hub, resolveModel, reload, session: this.#session, model: this.#model, signal: stopped.signal };
    let outcome: CommandOutcome | undefined;
    await this.#stoppable(
      () => stopped.abort(),
      async () => {
        outcome = await runSlashCommand(line, scope);
      },
    );
    return outcome;
  }

  async #carryOut(outcome: Exclude<CommandOutcome, { type: "exit" }>): Promise<void> {
    switch (outcome.type) {
      case "text":
        return this.#print(`${inert(outcome.text)}\n\n`);
      case "prompt":
        return this.#turn(outcome.content);
      case "clear":
        this.#session = this.#parts.sessions.open();
        return this.#print(this.#dim(`new conversation ${this.#session.id}`));
      case "model":
        this.#model = outcome.model;
        return this.#print(this.#dim(`model ${this.#modelName()}`));
    }
  }

  /** Goes on with a turn that an earlier process has left in this conversation; of other conversations it tells. */
  async #recover(): Promise<void> {
    const session = this.#session;
    const isOther = (id: string) => id !== session.id;
    try {
      for (const turn of this.#options.conversationId ? await session.recover() : []) {
        this.#print(this.#dim("an unfinished turn goes on"));
        await this.#show(turn.requestId, async () => turn);
      }
      for (const id of (await this.#parts.sessions.unfinished()).filter(isOther)) {
        this.#print(this.#dim(`conversation ${id} has an unfinished turn; chat -r ${id} goes on with it`));
      }
    } catch (error) {
      this.#screen.error(errorInfo(error));
    }
  }

  #turn(content: ContentPart[]): Promise<void> {
    const { conversationId, toolNotifications, notices, ...options } = this.#options;
    const requestId = this.#parts.newId("req");
    const session = this.#session;
    const request = { ...options, streamRecovery: "restart" as const, model: this.#model, requestId, content };
    return this.#show(requestId, () => session.submit(request));
  }

  #show(requestId: string, begin: () => Promise<LiveTurn>): Promise<void> {
    const session = this.#session;
    return this.#stoppable(
      () => session.cancel(requestId),
      async () => {
        const turn = await begin();
        for await (const event of turn.watch()) {
          this.#screen.show(event);
          if (event.type === "question" && session.isOpen(event.questionId)) await this.#ask(event, turn.signal);
        }
      },
    );
  }

  async #ask({ questionId, question }: QuestionEvent, signal: AbortSignal): Promise<void> {
    this.#screen.pause();
    this.#session.answer(questionId, await askPerson(this.#editor, question, signal));
    this.#screen.resume();
  }

  /** Runs something that Ctrl-C stops, with a status line below what it shows. */
  async #stoppable(stop: () => void, work: () => Promise<void>): Promise<void> {
    this.#stop = stop;
    this.#screen.resume();
    try {
      await work();
    } catch (error) {
      this.#screen.error(errorInfo(error));
    } finally {
      this.#screen.end();
      this.#stop = undefined;
    }
  }

  #modelName(): string {
    const { provider, model } = this.#parts.resolveModel(this.#model);
    return `${provider}/${model}`;
  }

  #dim(line: string): string {
    const { colors, output } = this.#terminal;
    return `${colors.dim(wrapAnsi(inert(line), output.columns || 80))}\n`;
  }

  #print(text: string): void {
    this.#terminal.output.write(text);
  }
}
