import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";

const canPin = availableParallelism() > 1 && spawnSync("taskset", ["-c", "0", "true"]).status === 0;
const contestantCore = 0;
const serverCore = 1;
/** Who has not come to an end by then hangs. */
const patienceMs = 180_000;
const exitPatienceMs = 20_000;

/** The command line that runs node on that core, where the machine can say so. */
function pinned(core, args) {
  return canPin
    ? { command: "taskset", args: ["-c", String(core), process.execPath, ...args] }
    : { command: process.execPath, args };
}

/** How hosts start a stdio server: beside them, not on their own core. */
export function serverCommand(file, ...args) {
  return pinned(serverCore, [new URL(file, import.meta.url).pathname, ...args]);
}

/** A mock of ours. Resolves to its first message, with `ask` for the one that answers any later question. */
export async function startServer(file) {
  const { child, next } = start(serverCommand(file));
  const message = await next();
  const ask = () => {
    child.send({});
    return next();
  };
  return { ...message, ask, stop: () => child.disconnect() };
}

/** What node runs as a contestant; with a prompt only for that. */
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
 * A contestant that has everything ready. `figures` resolves to what a task came to. With `profile` a CPU profile of its whole life
 * is written when it stops.
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

/** Milliseconds from the start of a process on the contestants' core to the first text on its stdout. */
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
