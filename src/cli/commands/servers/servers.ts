/** `servers …` and `tools`: show the state and tools of servers, approve tool definitions, and log in at remote servers. */
import { spawn } from "node:child_process";
import type { Command } from "commander";
import { unambiguous } from "../../../core/text/inert.js";
import type { GlobalOptions } from "../../shared/configuration.js";
import { loadConfirmed } from "../../shared/confirmed.js";
import { print } from "../../shared/process.js";
import { addEditCommands } from "./edit.js";
import { addImportCommand } from "./import.js";
import { addLogCommand } from "./logs.js";
import { show } from "./show.js";
import { addTestCommand } from "./test.js";
import { addToolsCommand } from "./tools.js";

const loginCommands = {
  login: "log in to a remote server, in the browser",
  logout: "forget the login of a remote server",
  status: "print whether this host is logged in to a remote server, and until when",
};

export function addServerCommands(program: Command): void {
  const flags = () => program.opts<GlobalOptions>();
  const servers = program.command("servers").description("list, add, test, import and log in to MCP servers");
  servers
    .command("list", { isDefault: true })
    .description("list every server with its state")
    .option("--json", "print JSON")
    .allowExcessArguments()
    .action(async ({ json }: { json?: boolean }, list: Command) => {
      const [unknown] = list.args;
      if (unknown !== undefined) list.error(await unknownText(unknown, servers));
      return show(flags(), (texts, { hub }) => (json ? texts.serversData : texts.serversText)(hub.servers()));
    });
  servers
    .command("trust")
    .description("accept the current tool definitions of a server after it has changed them")
    .argument("<name>", "name of the server, as in mcpServers")
    .argument("[tool]", "accept only this tool")
    .action((name: string, tool?: string) =>
      show(flags(), async (texts, { hub }) => texts.trustText(name, await hub.trust(name, tool))),
    );
  addImportCommand(servers, flags);
  addEditCommands(servers, flags);
  addTestCommand(servers, flags);
  addLogCommand(servers, flags);
  for (const [verb, description] of Object.entries(loginCommands) as [keyof typeof loginCommands, string][]) {
    servers
      .command(verb)
      .description(description)
      .argument("<name>", "name of the server, as in mcpServers")
      .action(async (name: string) => print(await (await loginsOf(flags()))[verb](name)));
  }
  addToolsCommand(program);
}

/**
 * Returns the error text for an unknown command. Commander does not report it: it passes the unknown word to the default command `list`, as
 * an argument.
 */
async function unknownText(word: string, { commands }: Command): Promise<string> {
  const { didYouMean } = await import("../../../core/text/nearest.js");
  const names = commands.map((command) => command.name());
  return `error: servers has no command ${word}${didYouMean(word, names)}`;
}

/** Returns what a person who is connected by SSH has to do, so that the login page can send the browser back to this machine. */
function tunnelHint(page: URL): string {
  const back = page.searchParams.get("redirect_uri") ?? "";
  const port = URL.canParse(back) ? new URL(back).port : "";
  return `If your browser is on another machine, first run there: ssh -L ${port}:127.0.0.1:${port} HOST\n`;
}

/** Returns the logins at the configured remote servers. Addresses to open in a browser are printed on stderr. */
async function loginsOf(flags: GlobalOptions) {
  const { config } = await loadConfirmed(flags);
  const { createLogins } = await import("../../../host/user-state.js");
  return createLogins(config.mcpServers, process.env, (page) => {
    process.stderr.write(unambiguous(`Open this page to log in:\n${page}\n`));
    if (process.env.SSH_CONNECTION) process.stderr.write(unambiguous(tunnelHint(page)));
    if (process.stderr.isTTY) openInBrowser(page);
  });
}

/** Opens a page in the user's browser if there is one. No shell is started, so the address cannot run a command. */
function openInBrowser({ protocol, href }: URL): void {
  if (protocol !== "https:" && protocol !== "http:") return;
  const [command, ...args] = opener(href);
  spawn(command, args, { detached: true, stdio: "ignore" })
    .on("error", () => {})
    .unref();
}

function opener(href: string): [string, ...string[]] {
  if (process.platform === "darwin") return ["open", href];
  if (process.platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler", href];
  return ["xdg-open", href];
}
