#!/usr/bin/env node
/** Runs this host under the command line of Claude Code, for programs that start Claude Code's executable. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownArguments } from "./cli/commands/claude-arguments.js";
import { errorInfo } from "./core/errors.js";
import { unambiguous } from "./core/text/inert.js";
import { exitCodes } from "./doors/shared/exit-codes.js";

/**
 * Writes the text to a file that only this user can read, because server definitions contain secrets. The file is deleted when the process
 * ends.
 */
function keep(text: string): string {
  let folder: string | undefined;
  const forget = () => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  // Registered before the folder exists. Otherwise a signal in between would end the process and leave the folder behind.
  process.on("exit", forget);
  for (const signal of ["SIGHUP", "SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      if (process.listenerCount(signal) > 0) return; // other listeners exist: the host ends itself and the exit handler deletes the file
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
  // Programs ask whether somebody is logged in. The configured key is used here, so there is no login or logout.
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
// Claude Code exits with 0 even if a tool was denied. With another exit code the SDK would throw after a good result.
process.on("exit", (exitCode) => {
  if (exitCode === exitCodes.denied) process.exitCode = exitCodes.done;
});
await import("./main.js");
