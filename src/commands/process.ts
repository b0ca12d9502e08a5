/** This process around the host: its signals, its streams, and its exit. */
import { Console } from "node:console";
import { unambiguous } from "../core/inert.js";
import type { OnInterrupt } from "../frontends/door.js";
import { exitCodes } from "../frontends/exit-codes.js";

type Termination = "SIGTERM" | "SIGHUP";

const { stdout, stderr } = process;
/** Signal that told the host to end. It then decides the exit code, even if another part leaves first. */
let endedBy: Termination | undefined;

/**
 * Handles errors of the streams, which would otherwise end in a stack trace. A reader that has gone (`| head`) is no failure; a full disk
 * is.
 */
export function guardStreams(): void {
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || (error.code === "EIO" && stdout.isTTY)) return; // EIO: the terminal was closed
    process.exitCode = exitCodes.unexpected;
    stderr.write(`error: cannot write to stdout: ${error.message}\n`);
  });
  stderr.on("error", () => {});
}

/** Redirects `console` to stderr, for libraries: stdout is for an answer or a protocol. */
export function keepStdoutClean(): void {
  globalThis.console = new Console(stderr, stderr);
}

export function onInterrupt(listener: () => void): ReturnType<OnInterrupt> {
  process.on("SIGINT", listener);
  return () => void process.off("SIGINT", listener);
}

/** Calls `end` on one of these signals, then leaves. */
export function onTermination(end: (signal: Termination) => Promise<void>): void {
  for (const signal of ["SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      endedBy = signal;
      void end(signal).finally(() => leave(exitCodes.terminated));
    });
  }
}

/** Prints a text: unchanged to a file or pipe, and unable to steer a terminal. */
export function print(text: string): void {
  const line = text.endsWith("\n") ? text : `${text}\n`;
  stdout.write(stdout.isTTY ? unambiguous(line) : line);
}

/** Prints a text with foreign content, which cannot steer a terminal. */
export async function printInert(text: string): Promise<void> {
  print(unambiguous(text));
}

/** Writes notices for people, which no program has to read. */
export function tell(notices: readonly string[]): void {
  for (const notice of notices) stderr.write(unambiguous(`${notice}\n`));
}

/** Waits until stdout has been read or its reader has gone: leaving would lose what a pipe has no room for yet. */
export async function whenWritten(): Promise<void> {
  if (stdout.writableLength > 0 && !stdout.destroyed) await new Promise<void>((done) => stdout.write("", () => done()));
}

/** Leaves at once: a server or socket that was left behind must not hold the process. */
export function leave(exitCode: number): never {
  // Node's own exit resets the terminal, and aborts if it is gone. The signal's default action ends the process instead.
  if (endedBy === "SIGHUP") {
    process.emit("exit", exitCodes.terminated); // runs what resets or deletes things at the end of a process
    process.kill(process.pid, endedBy);
  }
  if (endedBy) process.exit(exitCodes.terminated);
  process.exit(exitCode === exitCodes.done ? process.exitCode : exitCode);
}
