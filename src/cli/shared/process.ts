/** Signals, streams and exit of this process. */
import { Console } from "node:console";
import { unambiguous } from "../../core/text/inert.js";
import type { OnInterrupt } from "../../doors/shared/door.js";
import { exitCodes } from "../../doors/shared/exit-codes.js";

type Termination = "SIGTERM" | "SIGHUP";

const { stdout, stderr } = process;
/** The signal that is ending the host, if any. The exit code is then that of the signal, whichever part of the program leaves first. */
let endedBy: Termination | undefined;

/**
 * Handles errors of stdout and stderr, which would otherwise end the process with a stack trace. It is no failure if the reader has closed
 * the pipe (`| head`), but a full disk is a failure.
 */
export function guardStreams(): void {
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || (error.code === "EIO" && stdout.isTTY)) return; // EIO: the terminal was closed
    process.exitCode = exitCodes.unexpected;
    stderr.write(`error: cannot write to stdout: ${error.message}\n`);
  });
  stderr.on("error", () => {});
}

/** Redirects `console` to stderr, because libraries may use it. Stdout is only for answers and protocols. */
export function keepStdoutClean(): void {
  globalThis.console = new Console(stderr, stderr);
}

export function onInterrupt(listener: () => void): ReturnType<OnInterrupt> {
  process.on("SIGINT", listener);
  return () => void process.off("SIGINT", listener);
}

/** Calls `end` on SIGTERM or SIGHUP, then leaves. */
export function onTermination(end: (signal: Termination) => Promise<void>): void {
  for (const signal of ["SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      endedBy = signal;
      void end(signal).finally(() => exit(exitCodes.terminated));
    });
  }
}

/** Prints a text. A file or pipe gets the text unchanged; on a terminal, characters that could steer it are escaped. */
export function print(text: string): void {
  const line = text.endsWith("\n") ? text : `${text}\n`;
  stdout.write(stdout.isTTY ? unambiguous(line) : line);
}

/**
 * Prints a text that may hold texts of other people or programs. Characters that could steer a terminal are always escaped, also in a file
 * or pipe.
 */
export async function printInert(text: string): Promise<void> {
  print(unambiguous(text));
}

/** Writes notices for people to stderr. Programs need not read them. */
export function tell(notices: readonly string[]): void {
  for (const notice of notices) stderr.write(unambiguous(`${notice}\n`));
}

/**
 * Waits until stdout has been read, or its reader has closed it. Without the wait, the process would lose the part that does not fit in the
 * pipe yet.
 */
export async function whenWritten(): Promise<void> {
  if (stdout.writableLength > 0 && !stdout.destroyed) await new Promise<void>((done) => stdout.write("", () => done()));
}

/** Ends the process at once, so that a server or socket that is still open cannot keep it running. */
export function exit(exitCode: number): never {
  // `process.exit` resets the terminal, and aborts if the terminal was closed. So the process sends the signal to itself; the signal's
  // default action ends the process.
  if (endedBy === "SIGHUP") {
    process.emit("exit", exitCodes.terminated); // runs the handlers that reset or delete things when a process ends
    process.kill(process.pid, endedBy);
  }
  if (endedBy) process.exit(exitCodes.terminated);
  process.exit(exitCode === exitCodes.done ? process.exitCode : exitCode);
}
