#!/usr/bin/env node
/** This host in place of Claude Code's executable, with its arguments. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownArguments } from "./commands/claude-arguments.js";
import { errorInfo } from "./core/errors.js";
import { unambiguous } from "./core/inert.js";
import { exitCodes } from "./frontends/exit-codes.js";

/** Writes the text to a file for this user alone, which is deleted with the process: servers come with secrets in their environment. */
function keep(text: string): string {
  let folder: string | undefined;
  const forget = () => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  // Before the folder exists: a signal in between would end the process and leave the folder.
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
  // Programs ask who pays. Here it is the owner of the configured key, so there is no login or logout.
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
// Claude Code does not fail after a denied tool, and the SDK would throw after a good result.
process.on("exit", (exitCode) => {
  if (exitCode === exitCodes.denied) process.exitCode = exitCodes.done;
});
await import("./main.js");
