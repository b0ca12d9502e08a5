/** Doors that a person types into: the chat, and `run`. */
import { PassThrough } from "node:stream";
import picocolors from "picocolors";
import { type OneshotOptions, runOneshot } from "../../../src/doors/oneshot/oneshot.js";
import { runRepl } from "../../../src/doors/terminal/repl.js";
import type { App } from "../../../src/index.js";
import { doorParts, interrupts, Sink } from "../../doors/support.js";
import { type Door, once, type Prompt } from "./door.js";

export const chat: Door = {
  name: "the terminal's chat",
  cannot: { "name requests": "what is typed has no name: the same line again is another request" },
  streamsByRequest: false,
  async open(app) {
    const terminals = once((conversationId) => openTerminal(app, conversationId));
    return {
      prompt: (prompt) => terminals.of(prompt.conversationId).type(prompt),
      history: (conversationId) => terminals.of(conversationId).history(),
      async [Symbol.asyncDispose]() {
        for (const terminal of terminals.values()) await terminal.leave();
      },
    };
  },
};

export const run = (outputFormat: OneshotOptions["outputFormat"]): Door => ({
  name: `run --output-format ${outputFormat}`,
  cannot: {
    ask: "nobody need be there, and a program that waits for an answer would hang",
    "show history": "it is one prompt and one answer",
  },
  streamsByRequest: true,
  async open(app, streaming) {
    return {
      async prompt({ cancelAt, answer: _, ...asked }) {
        const { onInterrupt, interrupt } = interrupts();
        void cancelAt?.then(interrupt);
        const options = { ...asked, outputFormat, streaming, toolNotifications: true };
        await runOneshot(doorParts(app), options, { stdout: new Sink(), stderr: new Sink(), onInterrupt });
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

const ctrlC = "\u0003";
const ctrlD = "\u0004";
const promptSign = "> ";

/** Opens a terminal with one conversation, in which lines are typed one after the other. */
function openTerminal(app: App, conversationId: string) {
  const input = new PassThrough();
  const output = new Sink(80);
  const { onInterrupt } = interrupts();
  const terminal = { input, output, isTty: true, colors: picocolors.createColors(false), onInterrupt };
  const { streaming } = app.config.chat.service;
  const options = { conversationId, streaming, toolNotifications: false, notices: [] };
  const exitCode = runRepl(doorParts(app), options, terminal);
  const enter = async (line: string) => {
    input.write(`${line}\r`);
    await output.until("\n");
  };
  let free = output.until(promptSign);
  const take = async ({ text, answer, cancelAt }: Prompt) => {
    await enter(text);
    void cancelAt?.then(() => input.write(ctrlC));
    if (answer !== undefined) {
      await output.until(/run \S+\? /);
      await enter(answer ? "y" : "n");
    }
    await output.until(promptSign);
  };
  return {
    type(prompt: Prompt): Promise<void> {
      free = free.then(() => take(prompt));
      return free;
    },
    async history() {
      const before = output.text.length;
      await enter("/history");
      await output.until(promptSign);
      return output.text.slice(before);
    },
    async leave() {
      input.write(ctrlD);
      await exitCode;
    },
  };
}
