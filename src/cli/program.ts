/** The command line. Each command is a file in `commands/`. The host is loaded only for commands that need it. */
import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { errorInfo } from "../core/errors.js";
import { unambiguous } from "../core/text/inert.js";
import { exitCodeOfError, exitCodes } from "../doors/shared/exit-codes.js";
import { addApprovalCommands } from "./commands/approvals.js";
import { addChatCommand } from "./commands/chat.js";
import { addConfigCommands } from "./commands/config.js";
import { addDoctorCommand } from "./commands/doctor.js";
import { addEventLogCommands } from "./commands/event-log.js";
import { addProtocolCommands } from "./commands/protocols.js";
import { addRunCommand } from "./commands/run.js";
import { addServeCommand } from "./commands/serve.js";
import { addServerCommands } from "./commands/servers/servers.js";
import { addConversationCommands } from "./commands/sessions.js";
import { exit, guardStreams } from "./shared/process.js";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const program = new Command("mcp-platform")
  .description("An MCP host: a language model that uses the tools of your MCP servers.")
  .usage('[options] ["prompt" | command]')
  .version(version)
  .option("--config <file>", "read only this config file (default: ./config.yaml, merged over ~/.config/mcp-platform)")
  .option("--mcp-config <file>", 'read more servers from this JSON file with "mcpServers"')
  .option("--trust-project", "accept all servers and settings of the config file in this folder")
  .addOption(
    new Option("--log-level <level>", "write log lines of this level and above to stderr").choices([
      "debug",
      "info",
      "warn",
      "error",
      "silent",
    ]),
  )
  .showHelpAfterError("(--help shows all commands and options)")
  .exitOverride();

addChatCommand(program);
addRunCommand(program);
addServeCommand(program, version);
addProtocolCommands(program, version);
addConfigCommands(program);
addServerCommands(program);
addApprovalCommands(program);
addConversationCommands(program);
addDoctorCommand(program, version);
addEventLogCommands(program);

guardStreams();
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) exit(error.exitCode === 0 ? exitCodes.done : exitCodes.usage);
  const { kind, message, hint } = errorInfo(error);
  process.stderr.write(
    unambiguous(`${kind === "config" ? "" : "error: "}${message}\n${hint ? `hint: ${hint}\n` : ""}`),
  );
  exit(exitCodeOfError({ kind, message, hint, retryable: false }));
}
