/** `servers logs`: prints a server's stderr and log messages, written by all hosts of this user. */
import { existsSync, readFileSync, watch } from "node:fs";
import { mkdir, open, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { RequestError } from "../../../core/errors.js";
import { serverLogFile } from "../../../core/files/server-log-file.js";
import { stateFolder } from "../../../core/files/state-folder.js";
import { didYouMean } from "../../../core/text/nearest.js";
import { type GlobalOptions, load } from "../../shared/configuration.js";
import { onInterrupt, printInert } from "../../shared/process.js";

interface LogFlags {
  follow?: boolean;
  lines: number;
}

export function addLogCommand(servers: Command, globals: () => GlobalOptions): void {
  servers
    .command("logs")
    .description("print what a server wrote on stderr and in its log messages, in all your hosts")
    .argument("<name>", "name of the server, as in mcpServers")
    .option("-f, --follow", "also print new lines, until Ctrl-C")
    .option("-n, --lines <count>", "print only the last lines", count, 200)
    .action((name: string, flags: LogFlags) => showLog(name, flags, globals()));
}

function count(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}

async function showLog(name: string, { follow = false, lines }: LogFlags, globals: GlobalOptions): Promise<void> {
  const file = serverLogFile(stateFolder(process.env, "server-logs"), name);
  const older = `${file}.1`;
  if (!existsSync(file) && !existsSync(older)) {
    const known = (await load(globals, undefined, { allowsUnset: true })).config.mcpServers.map(
      (server) => server.name,
    );
    const isKnown = known.includes(name);
    if (!isKnown) throw new RequestError("not_found", `there is no server "${name}"${didYouMean(name, known)}`);
    if (!follow) return printInert(`${name} has not written anything yet: ${file} does not exist`);
  }
  const end = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  const text = (existsSync(older) ? readFileSync(older, "utf8") : "") + end.toString("utf8");
  const last = text.split("\n").slice(0, -1).slice(-lines);
  if (lines > 0 && last.length > 0) await printInert(last.join("\n"));
  if (follow) await followFile(file, end.length);
}

/** Prints what is added to the file after `position`, until Ctrl-C. Continues with the new file after a rotation. */
async function followFile(file: string, position: number): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  let from = position;
  let last: Promise<void> = Promise.resolve();
  const read = async () => {
    const { size } = await stat(file).catch(() => ({ size: from }));
    if (size < from) {
      await printFrom(`${file}.1`, from);
      from = 0;
    }
    from = await printFrom(file, from);
  };
  const next = () => {
    last = last.then(read);
  };
  const watcher = watch(dirname(file), (_, changed) => {
    if (changed === null || changed === basename(file)) next();
  });
  next(); // reads what was added before the watcher started
  await new Promise<void>((done) => onInterrupt(done));
  watcher.close();
  await last;
}

/** Prints the complete lines after `position`. Resolves with the position after the last printed line. */
async function printFrom(file: string, position: number): Promise<number> {
  const source = await open(file).catch(() => undefined);
  if (!source) return position;
  try {
    const { size } = await source.stat();
    const length = Math.max(0, size - position);
    const { buffer, bytesRead } = await source.read(Buffer.alloc(length), 0, length, position);
    const whole = buffer.subarray(0, bytesRead).lastIndexOf("\n") + 1;
    if (whole > 0) await printInert(buffer.subarray(0, whole).toString("utf8"));
    return position + whole;
  } finally {
    await source.close();
  }
}
