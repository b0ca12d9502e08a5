#!/usr/bin/env node
/** Where a program wants the path of Claude Code's executable: takes its arguments and is this host. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownArguments } from "./commands/claude-arguments.js";
import { errorInfo } from "./core/errors.js";
import { unambiguous } from "./core/inert.js";
import { exitCodes } from "./frontends/exit-codes.js";

/** For this user alone, and as long as the process: servers come with secrets in their environment. */
function keep(text: string): string {
  let folder: string | undefined;
  const forget = () => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  // Before there is a folder: a signal that came between the two would end the process and leave it.
  process.on("exit", forget);
  for (const signal of ["SIGHUP", "SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      if (process.listenerCount(signal) > 0) return; // the host ends in its own way
      forget();
      process.kill(process.pid, signal);
    });
  }
  folder = mkdtempSync(join(tmpdir(), "mcp-platform-"));
  const path = join(folder, "mcp.json");
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

function warn(text: string): void {
  process.stderr.write(`warning: ${text}\n`);
}

const args = process.argv.slice(2);
if (args[0] === "auth") {
  // Programs ask who pays. Here it is whoever has put a key into the configuration: there is nobody to log in or out.
  if (args[1] === "status")
    process.stdout.write(`${JSON.stringify({ loggedIn: true, apiKeySource: "mcp-platform" })}\n`);
  else process.stderr.write("error: logins of Claude are not used: keys are in the configuration of mcp-platform\n");
  process.exit(args[1] === "status" ? exitCodes.done : exitCodes.usage);
}
try {
  process.argv.splice(2, process.argv.length, ...ownArguments(args, { keep, warn }));
} catch (error) {
  const { message, hint } = errorInfo(error);
  process.stderr.write(unambiguous(`error: ${message}\nhint: ${hint}\n`));
  process.exit(exitCodes.usage);
}
// There, a tool that was denied is no failure of the process, and the SDK would throw after a good result.
process.on("exit", (exitCode) => {
  if (exitCode === exitCodes.denied) process.exitCode = exitCodes.done;
});
await import("./main.js");
