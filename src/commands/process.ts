/** This process around the host: its signals, its streams, and how it is left. */
import { Console } from "node:console";
import { unambiguous } from "../core/inert.js";
import type { OnInterrupt } from "../frontends/door.js";
import { exitCodes } from "../frontends/exit-codes.js";

type Termination = "SIGTERM" | "SIGHUP";

const { stdout, stderr } = process;
/** The signal that told the host to end; it decides about the exit code then, whoever leaves first. */
let endedBy: Termination | undefined;

/** A reader that has gone (`| head`) is no failure, a full disk is one. Without a listener both would end in a stack trace. */
export function guardStreams(): void {
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || (error.code === "EIO" && stdout.isTTY)) return; // EIO: the terminal was closed
    process.exitCode = exitCodes.unexpected;
    stderr.write(`error: cannot write to stdout: ${error.message}\n`);
  });
  stderr.on("error", () => {});
}

/** Whatever a library says with `console` goes to stderr: stdout is for an answer or a protocol. */
export function keepStdoutClean(): void {
  globalThis.console = new Console(stderr, stderr);
}

export function onInterrupt(listener: () => void): ReturnType<OnInterrupt> {
  process.on("SIGINT", listener);
  return () => void process.off("SIGINT", listener);
}

/** After one of these signals the process leaves as soon as `end` has. */
export function onTermination(end: (signal: Termination) => Promise<void>): void {
  for (const signal of ["SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      endedBy = signal;
      void end(signal).finally(() => leave(exitCodes.terminated));
    });
  }
}

/** A file or a pipe gets the text as it is. What a terminal gets cannot steer it, whoever wrote what is in it. */
export function print(text: string): void {
  const line = text.endsWith("\n") ? text : `${text}\n`;
  stdout.write(stdout.isTTY ? unambiguous(line) : line);
}

/** What others wrote is in it: it cannot steer the terminal. */
export async function printInert(text: string): Promise<void> {
  print(unambiguous(text));
}

/** What a person should know and no program has to read. */
export function tell(notices: readonly string[]): void {
  for (const notice of notices) stderr.write(unambiguous(`${notice}\n`));
}

/** Resolves when stdout has been read, or its reader has gone: what a pipe has no room for yet would be lost by leaving. */
export async function whenWritten(): Promise<void> {
  if (stdout.writableLength > 0 && !stdout.destroyed) await new Promise<void>((done) => stdout.write("", () => done()));
}

/** Leaves at once: nothing that a server or a socket left behind may hold the process. */
export function leave(exitCode: number): never {
  // Node's own exit sets the terminal back, and aborts where that has gone. The signal's default is to end us.
  if (endedBy === "SIGHUP") {
    process.emit("exit", exitCodes.terminated); // what is to be set back or deleted at the end of a process
    process.kill(process.pid, endedBy);
  }
  if (endedBy) process.exit(exitCodes.terminated);
  process.exit(exitCode === exitCodes.done ? process.exitCode : exitCode);
}
