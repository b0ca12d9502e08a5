#!/usr/bin/env node
/** Runs this host with the command line of Claude Code, for programs that normally start Claude Code's executable. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
  // This handler is registered before the folder is created. Otherwise a signal between the two steps would end the process and leave the
  // folder behind.
  process.on("exit", forget);
  for (const signal of ["SIGHUP", "SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      if (process.listenerCount(signal) > 0) return; // the other listeners end the host, and the exit handler then deletes the folder
      forget();
      process.kill(process.pid, signal);
    });
  }
  folder = mkdtempSync(join(tmpdir(), "mcp-platform-"));
  const path = join(folder, "mcp.json");
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

const read = (path: string) => readFileSync(path, "utf8");

function warn(text: string): void {
  process.stderr.write(`warning: ${text}\n`);
}

const args = process.argv.slice(2);
if (args[0] === "auth") {
  // Programs ask whether a user is logged in at Claude. The answer is always yes, because this host uses the API keys of its configuration.
  if (args[1] === "status")
    process.stdout.write(`${JSON.stringify({ loggedIn: true, apiKeySource: "mcp-platform" })}\n`);
  else process.stderr.write("error: logins of Claude are not used: keys are in the configuration of mcp-platform\n");
  process.exit(args[1] === "status" ? exitCodes.done : exitCodes.usage);
}
try {
  process.argv.splice(2, process.argv.length, ...ownArguments(args, { env: process.env, keep, read, warn }));
} catch (error) {
  const { message, hint } = errorInfo(error);
  process.stderr.write(unambiguous(`error: ${message}\nhint: ${hint}\n`));
  process.exit(exitCodes.usage);
}
// Claude Code exits with 0 even if a tool was denied. If this host exited with another code, the SDK would throw after a good result.
process.on("exit", (exitCode) => {
  if (exitCode === exitCodes.denied) process.exitCode = exitCodes.done;
});
await import("./main.js");
