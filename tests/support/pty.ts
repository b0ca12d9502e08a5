import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { test } from "@jest/globals";
import { Sink } from "../doors/support.js";
import type { Workplace } from "./cli.js";

/** Runs a program on a pseudo-terminal, with the input and output of this process. */
const python = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
const hasPty = spawnSync("python3", ["-c", "import pty"]).status === 0;
const packages = "tests/slow-packages";
const hasScreen = existsSync(`${packages}/node_modules/@xterm/headless`);

/** A test that needs a real terminal. */
export const onTerminal = hasPty ? test : test.skip;
/** A test that needs a real terminal and a model of its screen (`npm run slow-packages`). */
export const onScreen = hasPty && hasScreen ? test : test.skip;

interface Size {
  columns: number;
  rows: number;
}

/**
 * Starts the compiled host on a pseudo-terminal of 70 columns. Its process id is in the file `pid`; the shell runs `afterwards` at the end.
 */
export function openTerminal(place: Workplace, env: Record<string, string> = {}, afterwards = "exit $?", args = "") {
  const { child, exitCode } = startOnPty(place, { columns: 70, rows: 20 }, { env, afterwards, args });
  const screen = new Sink();
  child.stdout.setEncoding("utf8").pipe(screen);
  return { screen, exitCode, type: (keys: string) => void child.stdin.write(keys) };
}

function startOnPty(
  place: Workplace,
  { columns, rows }: Size,
  { env = {}, afterwards = "exit $?", args = "" }: { env?: Record<string, string>; afterwards?: string; args?: string },
) {
  const host = `echo $$ >pid; tty >tty; exec ${process.execPath} ${resolve("dist/main.js")} ${args}`;
  const command = `stty cols ${columns} rows ${rows}; sh -c '${host}'; ${afterwards}`;
  const child = spawn("python3", ["-c", python, "sh", "-c", command], {
    cwd: place.folder,
    env: { ...place.environment, TERM: "xterm-256color", ...env },
  });
  const exitCode = new Promise<number | null>((done) => void child.once("close", done));
  return { child, exitCode };
}

/** The part of `@xterm/headless` that is used. It is no package of the project, so its types are not installed. */
interface ScreenModel {
  write(data: Uint8Array, done: () => void): void;
  resize(columns: number, rows: number): void;
  buffer: { active: { length: number; baseY: number; getLine(row: number): Line | undefined } };
}
interface Line {
  translateToString(trimRight: boolean): string;
}

/** Starts the compiled host on a pseudo-terminal and interprets what it writes, as a terminal does. */
export function openScreen(
  place: Workplace,
  size: Size,
  options: { env?: Record<string, string>; args?: string } = {},
) {
  const { Terminal } = createRequire(resolve(packages, "package.json"))("@xterm/headless") as {
    Terminal: new (options: object) => ScreenModel;
  };
  const model = new Terminal({ cols: size.columns, rows: size.rows, scrollback: 50_000, allowProposedApi: true });
  const { child, exitCode } = startOnPty(place, size, options);
  let changed = () => {};
  child.stdout.on("data", (data: Buffer) => model.write(data, () => changed()));
  const rowsFrom = (first: number) => {
    const { active } = model.buffer;
    return Array.from({ length: active.length - first }, (_, row) =>
      (active.getLine(first + row)?.translateToString(true) ?? "").trimEnd(),
    );
  };
  return {
    exitCode,
    /** Rows that the person sees. */
    visible: () => rowsFrom(model.buffer.active.baseY),
    /** All rows, those that were scrolled up included. */
    all: () => rowsFrom(0),
    type: (keys: string) => void child.stdin.write(keys),
    /** Resolves when the condition holds after something was written. One caller at a time. */
    async until(holds: () => boolean): Promise<void> {
      while (!holds()) {
        await new Promise<void>((done) => {
          changed = done;
        });
      }
    },
    async resize({ columns, rows }: Size): Promise<void> {
      model.resize(columns, rows);
      const tty = readFileSync(join(place.folder, "tty"), "utf8").trim();
      await once(spawn("stty", ["-F", tty, "cols", String(columns), "rows", String(rows)]), "close");
    },
  };
}
