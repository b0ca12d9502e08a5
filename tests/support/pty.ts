import { spawn, spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { test } from "@jest/globals";
import { Sink } from "../doors/support.js";
import type { Workplace } from "./cli.js";

/** Runs a program on a pseudo-terminal, with the input and output of this process. */
const python = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
const hasPty = spawnSync("python3", ["-c", "import pty"]).status === 0;

/** A test that needs a real terminal. */
export const onTerminal = hasPty ? test : test.skip;

/**
 * Starts the compiled host on a pseudo-terminal of 70 columns. Its process id is in the file `pid`; the shell runs `afterwards` at the end.
 */
export function openTerminal(place: Workplace, env: Record<string, string> = {}, afterwards = "exit $?", args = "") {
  const host = `echo $$ >pid; exec ${process.execPath} ${resolve("dist/main.js")} ${args}`;
  const command = `stty cols 70 rows 20; sh -c '${host}'; ${afterwards}`;
  const child = spawn("python3", ["-c", python, "sh", "-c", command], {
    cwd: place.folder,
    env: { ...place.environment, TERM: "xterm-256color", ...env },
  });
  const screen = new Sink();
  child.stdout.setEncoding("utf8").pipe(screen);
  const exitCode = new Promise<number | null>((done) => void child.once("close", done));
  return { screen, exitCode, type: (keys: string) => void child.stdin.write(keys) };
}
