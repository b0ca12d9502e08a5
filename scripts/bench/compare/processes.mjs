import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";

const canPin = availableParallelism() > 1 && spawnSync("taskset", ["-c", "0", "true"]).status === 0;
const contestantCore = 0;
const serverCore = 1;
/** A process that has not answered after this time is considered hung. */
const patienceMs = 180_000;
const exitPatienceMs = 20_000;

/** Returns the command line that runs node pinned to this core, or unpinned if the machine has no `taskset`. */
function pinned(core, args) {
  return canPin
    ? { command: "taskset", args: ["-c", String(core), process.execPath, ...args] }
    : { command: process.execPath, args };
}

/** Returns the command with which hosts start a stdio server on another core than their own. */
export function serverCommand(file, ...args) {
  return pinned(serverCore, [new URL(file, import.meta.url).pathname, ...args]);
}

/** Starts a mock server. Resolves with its first message, plus `ask`, which resolves with the server's next message, and `stop`. */
export async function startServer(file) {
  const { child, next } = start(serverCommand(file));
  const message = await next();
  const ask = () => {
    child.send({});
    return next();
  };
  return { ...message, ask, stop: () => child.disconnect() };
}

/** Returns the arguments with which node runs a contestant. With a prompt, the contestant only answers that prompt. */
export function contestantArgs(module, setup, ...prompt) {
  return [
    "--no-warnings",
    new URL("contestant.mjs", import.meta.url).pathname,
    module,
    JSON.stringify(setup),
    ...prompt,
  ];
}

/**
 * Starts a contestant and resolves when it is ready. `figures` runs a task and resolves with its figures. With `profile`, the process
 * writes a CPU profile of its whole life when it stops.
 */
export async function startContestant(module, setup, profile) {
  const profiling = profile
    ? ["--cpu-prof", `--cpu-prof-dir=${profile.folder}`, `--cpu-prof-name=${profile.name}.cpuprofile`]
    : [];
  const args = ["--expose-gc", ...profiling, ...contestantArgs(module, setup)];
  const { child, next } = start(pinned(contestantCore, args));
  await next();
  return {
    async figures(task) {
      child.send(task);
      const { figures, error } = await next();
      if (error) throw new Error(error);
      return figures;
    },
    async stop() {
      if (!child.connected) return;
      child.disconnect();
      const impatience = setTimeout(() => child.kill("SIGKILL"), exitPatienceMs);
      await once(child, "exit");
      clearTimeout(impatience);
    },
  };
}

/** Resolves with the milliseconds from the start of a process on the contestants' core to the first text on its stdout. */
export async function firstTextMs({ args, env = process.env }) {
  const { command, args: all } = pinned(contestantCore, args);
  const startedAt = performance.now();
  const child = spawn(command, all, { env, stdio: ["ignore", "pipe", "pipe"], timeout: patienceMs });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    complaint += text;
  });
  let firstAt;
  child.stdout.on("data", () => {
    firstAt ??= performance.now();
  });
  const [code] = await once(child, "close");
  if (code !== 0 || firstAt === undefined) throw new Error(`exit code ${code}, no text: ${complaint.slice(0, 2000)}`);
  return firstAt - startedAt;
}

function start({ command, args }) {
  const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const ended = once(child, "exit").then(([code, signal]) => {
    throw new Error(`the process ended with ${code ?? signal}`);
  });
  ended.catch(() => {});
  const next = async () => {
    const message = once(child, "message", { signal: AbortSignal.timeout(patienceMs) });
    return (await Promise.race([message, ended]))[0];
  };
  return { child, next };
}
