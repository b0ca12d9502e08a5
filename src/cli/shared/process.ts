import { Console } from "node:console";
import { unambiguous } from "../../core/text/inert.js";
import type { OnInterrupt } from "../../doors/shared/door.js";
import { exitCodes } from "../../doors/shared/exit-codes.js";

type Termination = "SIGTERM" | "SIGHUP";

const { stdout, stderr } = process;
/** The signal that is ending the host, if any. The process then exits with the code for a signal, whatever code is passed to `exit`. */
let endedBy: Termination | undefined;

/**
 * Handles errors of stdout and stderr. Without a handler, an error would end the process with a stack trace. A pipe that its reader has
 * closed (`| head`) is not a failure; a full disk is a failure.
 */
export function guardStreams(): void {
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || (error.code === "EIO" && stdout.isTTY)) return; // EIO: the terminal was closed
    process.exitCode = exitCodes.unexpected;
    stderr.write(`error: cannot write to stdout: ${error.message}\n`);
  });
  stderr.on("error", () => {});
}

/** Sends the output of `console`, which libraries may use, to stderr. Stdout is only for answers and protocols. */
export function keepStdoutClean(): void {
  globalThis.console = new Console(stderr, stderr);
}

export function onInterrupt(listener: () => void): ReturnType<OnInterrupt> {
  process.on("SIGINT", listener);
  return () => void process.off("SIGINT", listener);
}

/** On SIGTERM or SIGHUP, calls `end` and then ends the process. */
export function onTermination(end: (signal: Termination) => Promise<void>): void {
  for (const signal of ["SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      endedBy = signal;
      void end(signal).finally(() => exit(exitCodes.terminated));
    });
  }
}

/**
 * Prints a text to stdout. A file or pipe gets the text unchanged. On a terminal, characters that could control the terminal are escaped.
 */
export function print(text: string): void {
  const line = text.endsWith("\n") ? text : `${text}\n`;
  stdout.write(stdout.isTTY ? unambiguous(line) : line);
}

/**
 * Prints the pieces of a text as `print` does. A piece is asked for when stdout has taken the one before it. Resolves when stdout has taken
 * all of them, or when it cannot be written any more: its reader has gone, or `guardStreams` reports the failure.
 */
export async function printPieces(pieces: AsyncIterable<string>): Promise<void> {
  for await (const piece of pieces) {
    const text = stdout.isTTY ? unambiguous(piece) : piece;
    const error = await new Promise<unknown>((resolve) => stdout.write(text, resolve));
    if (error) return;
  }
}

/**
 * Prints a text that may contain texts of other people or programs. Escapes characters that could control a terminal, even if stdout is a
 * file or pipe.
 */
export async function printInert(text: string): Promise<void> {
  print(unambiguous(text));
}

/** Writes notices for people to stderr. */
export function tell(notices: readonly string[]): void {
  for (const notice of notices) stderr.write(unambiguous(`${notice}\n`));
}

/**
 * Waits until the buffered output has been written to stdout or stdout is closed. Without this wait, output that does not fit in the pipe
 * yet would be lost.
 */
export async function whenWritten(): Promise<void> {
  if (stdout.writableLength > 0 && !stdout.destroyed) await new Promise<void>((done) => stdout.write("", () => done()));
}

/** Ends the process at once, so that a server or socket that is still open cannot keep it running. */
export function exit(exitCode: number): never {
  // If the terminal was closed, `process.exit` crashes (abort), because Node tries to reset the terminal's mode. So the process sends
  // itself the signal, and the default action of the signal ends the process.
  if (endedBy === "SIGHUP") {
    process.emit("exit", exitCodes.terminated); // runs the handlers that reset or delete things at the end of a process
    process.kill(process.pid, endedBy);
  }
  if (endedBy) process.exit(exitCodes.terminated);
  process.exit(exitCode === exitCodes.done ? process.exitCode : exitCode);
}
