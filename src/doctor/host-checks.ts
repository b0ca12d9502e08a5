/** Checks of this machine: Node, clock, folders, disk, the port of `serve`, the event log. */
import { mkdtempSync, rmSync, statfsSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import type { StorageConfig } from "../core/config.js";
import { errorInfo, messageOf } from "../core/errors.js";
import { existingFolder } from "../core/files/state-folder.js";
import { lookAtLog } from "../log/look.js";
import { type Finding, fail, ok, warn } from "./finding.js";

/** Checks the version of Node. `required` is the range in package.json, such as `>=20.19`. */
export function nodeFinding(version: string, required: string): Finding {
  const least = required.replace(/^>=/, "");
  const isEnough = version.localeCompare(least, "en", { numeric: true }) >= 0;
  return isEnough
    ? ok("node", `Node ${version}`)
    : fail("node", `Node ${version} is too old`, `install Node ${least} or later`);
}

export interface Clocks {
  /** Current time by the wall clock, in milliseconds since the epoch. */
  nowMs: number;
  /**
   * Start of the process plus the time since then by a monotonic clock, in milliseconds since the epoch. It differs from `nowMs` if the
   * wall clock was set while the process ran.
   */
  steadyMs: number;
  builtMs: number;
}

/** Difference between two clocks, in ms, that is tolerated. The checks of signatures and expiry times tolerate about as much. */
export const toleratedSkewMs = 60_000;

/** Checks the clock of this machine without contacting another machine. */
export function clockFinding({ nowMs, steadyMs, builtMs }: Clocks): Finding {
  const time = Number.isFinite(nowMs) ? new Date(nowMs).toISOString() : String(nowMs);
  const fix = "set the clock (timedatectl set-ntp true): certificates and logins are refused under a wrong one";
  if (nowMs < builtMs - 86_400_000) return fail("clock", `${time} is before this program was built`, fix);
  const jumpMs = Math.abs(nowMs - steadyMs);
  return jumpMs > toleratedSkewMs
    ? warn("clock", `it was set by ${Math.round(jumpMs / 1000)} s while this program ran`, fix)
    : ok("clock", time);
}

/**
 * Checks that the folder can be written, by creating and deleting a temporary folder in it. If the folder does not exist, its nearest
 * existing parent is checked.
 */
export function folderFinding(check: string, path: string, status: "warn" | "fail"): Finding {
  try {
    rmSync(mkdtempSync(join(existingFolder(path), ".mcp-platform-try-")), { recursive: true });
    return ok(check, `${path} can be written`);
  } catch (error) {
    const fix = `make ${existingFolder(path)} writable, or name another folder (XDG_STATE_HOME, XDG_CACHE_HOME)`;
    return { check, status, text: `${path} cannot be written: ${messageOf(error)}`, fix };
  }
}

const scarceBytes = 200 * 1024 ** 2;
const tooFewBytes = 10 * 1024 ** 2;

export function diskFinding(path: string, freeBytes = freeAt(path)): Finding {
  if (freeBytes === undefined) return warn("disk", `the free space at ${path} cannot be read`, "check it with df");
  const text = `${Math.floor(freeBytes / 1024 ** 2)} MB are free at ${path}`;
  if (freeBytes >= scarceBytes) return ok("disk", text);
  const fix = "free some space, or set chat.storage.path to another disk";
  return freeBytes < tooFewBytes ? fail("disk", text, fix) : warn("disk", text, fix);
}

function freeAt(path: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(existingFolder(path));
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/**
 * Checks whether `serve` can listen on its port. `isChosen` is true if the port is in the configuration; a problem then counts as a failure
 * and not as a warning.
 */
export async function portFinding({ host, port }: { host: string; port: number }, isChosen: boolean): Promise<Finding> {
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const problem = await listenProblem(host, port);
  if (!problem) return ok("port", `${address} is free for serve`);
  const isOurs = problem === "EADDRINUSE" && (await answersAsHost(`http://${address}`));
  if (isOurs) return ok("port", `a host listens on ${address}`);
  const [text, fix] =
    problem === "EADDRINUSE"
      ? [
          `another program listens on ${address}`,
          "end that program, or set serve.port (or --port) to another port; 0 chooses a free one",
        ]
      : [
          `serve cannot listen on ${address}: ${problem}`,
          "set serve.host to an address of this machine, and serve.port to one from 1024",
        ];
  return isChosen ? fail("port", text, fix) : warn("port", text, fix);
}

/** Checks the token that clients of `serve` need, and whether other users can read the file that contains it. */
export function tokenFinding(file: string, isConfigured: boolean): Finding {
  if (isConfigured) return ok("token", "serve uses the token of serve.token");
  const state = statSync(file, { throwIfNoEntry: false });
  if (!state) return ok("token", `serve makes a token at its first start, in ${file}`);
  if (process.getuid === undefined || (state.uid === process.getuid() && (state.mode & 0o077) === 0)) {
    return ok("token", `serve uses the token in ${file}, which only you can read`);
  }
  const fix = "restart serve, which makes another token, and give it to your clients";
  return warn("token", `others could read the token in ${file}`, fix);
}

function listenProblem(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

async function answersAsHost(origin: string): Promise<boolean> {
  try {
    const response = await fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(1_000) });
    return (await response.text()) === '{"status":"ok"}';
  } catch {
    return false;
  }
}

/** Checks the event log. Opens it in the same way as a host, but never migrates its schema. */
export async function logFindings(storage: StorageConfig, now: () => number): Promise<Finding[]> {
  const warnings: Finding[] = [];
  const observe = ({ level, message }: { level: string; message: string }) => {
    if (level === "warn") warnings.push(warn("event log", message, "set chat.storage.path to a local disk"));
  };
  try {
    const { location, schema, knownSchema } = await lookAtLog(storage, { now, observe });
    if (storage.driver === "memory") return [ok("event log", "in memory, so conversations end with the process")];
    const state =
      schema === 0
        ? "the file is made by the first turn"
        : schema < knownSchema
          ? `schema ${schema}, which the next host migrates to ${knownSchema}`
          : `schema ${schema}`;
    return [ok("event log", `${location}: ${state}`), ...warnings];
  } catch (error) {
    const { message, hint } = errorInfo(error);
    const fix =
      hint.replace(/\.$/, "") ||
      (storage.driver === "sqlite"
        ? `set chat.storage.path to a file that you may write; the present one is in ${existingFolder(dirname(storage.path))}`
        : "check chat.storage.url and that the database runs");
    const location = storage.driver === "sqlite" && !message.includes(storage.path) ? `${storage.path}: ` : "";
    return [fail("event log", `${location}${message}`, fix), ...warnings];
  }
}
