/** `stdio`, `acp` and `mcp`: let another program use the host over stdin and stdout. */
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import type { GlobalOptions } from "../shared/configuration.js";
import { appended } from "../shared/flags.js";
import { openDoor } from "../shared/open-door.js";
import { onInterrupt, print } from "../shared/process.js";

const { stdin, stdout } = process;

export function addProtocolCommands(program: Command, version: string): void {
  const flags = () => program.opts<GlobalOptions>();
  program
    .command("stdio")
    .description("exchange JSON lines on stdin and stdout, for programs")
    .option("--schema", "print the JSON Schema of the messages in both directions")
    .action(async ({ schema }: { schema?: boolean }) => {
      if (schema) return print((await import("../../doors/protocol/message-schema.js")).messageSchemaText());
      const { runStdio } = await import("../../doors/lines/stdio.js");
      return openDoor(flags(), (parts) => runStdio(parts, { stdin, stdout, onInterrupt }), { followsFiles: true });
    });

  program
    .command("acp")
    .description("speak the Agent Client Protocol on stdin and stdout, for editors")
    .addOption(new Option("--print-config <editor>", "print what to paste into an editor").choices(editors))
    .action(async ({ printConfig: editor }: { printConfig?: Editor }) => {
      if (editor) return print(editorConfig(editor, ...ownCommand(flags())));
      const { runAcp } = await import("../../doors/acp/acp.js");
      return openDoor(
        flags(),
        (parts, app) => {
          const { models, extendHub } = app;
          const approval = () => app.config.chat.service.approval;
          const contextWindow = (model?: string) => app.orchestrator.facts(model).contextWindow;
          const acp = { ...parts, version, approval, models, contextWindow, extendHub };
          return runAcp(acp, { stdin, stdout, onInterrupt });
        },
        { followsFiles: true },
      );
    });

  program
    .command("mcp")
    .description(
      "run this host as an MCP server on stdin and stdout: the tool chat, and the tools that mcp.serve names",
    )
    .option("--allow <pattern>", "run these tools without approval: server__tool, server.*; repeatable", appended)
    .option("--deny <pattern>", "let no client call these tools; repeatable", appended)
    .option("--yes", "approve every tool call")
    .action(async ({ allow = [], deny = [], yes }: { allow?: string[]; deny?: string[]; yes?: boolean }) => {
      const { runMcp } = await import("../../doors/mcp/stdio.js");
      return openDoor(
        flags(),
        (parts, app) => {
          const given = { approval: yes ? ("auto" as const) : undefined, allow, deny };
          const mcp = {
            ...parts,
            version,
            given,
            defaults: () => app.config.chat.service,
            serve: app.config.mcpServe,
          };
          return runMcp(mcp, { stdin, stdout, onInterrupt });
        },
        { followsFiles: true, leavesTurns: true },
      );
    });
}

/** Returns the command that starts this program again, with absolute paths, because an editor may have another PATH. */
function ownCommand({ config }: GlobalOptions): [command: string, args: string[]] {
  const given = config ? ["--config", resolve(config)] : [];
  return [process.execPath, [resolve(process.argv[1] ?? ""), ...given]];
}

const editors = ["zed", "jetbrains", "neovim"] as const;
type Editor = (typeof editors)[number];

/** Returns what a user pastes into an editor, so that it starts this host over ACP. `command` and `args` start the host; `acp` is added here. */
function editorConfig(editor: Editor, command: string, args: readonly string[]): string {
  const start = { command, args: [...args, "acp"] };
  switch (editor) {
    case "zed":
      return json({ agent_servers: { "MCP-Platform": { type: "custom", ...start, env: {} } } });
    case "jetbrains":
      return json({ agent_servers: { "MCP-Platform": { ...start, env: {} } } });
    case "neovim":
      return [
        "-- avante.nvim, lua",
        'require("avante").setup({',
        '  provider = "mcp-platform",',
        "  acp_providers = {",
        `    ["mcp-platform"] = { command = ${lua(command)}, args = { ${start.args.map(lua).join(", ")} } },`,
        "  },",
        "})",
      ].join("\n");
  }
}

function json(value: object): string {
  return JSON.stringify(value, null, 2);
}

/** Returns the text as a Lua string literal. JSON literals differ from Lua literals only in escapes that no path contains. */
function lua(text: string): string {
  return JSON.stringify(text);
}
