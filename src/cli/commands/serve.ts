import { type Command, Option } from "commander";
import type { LlmConfig } from "../../core/config.js";
import { RequestError } from "../../core/errors.js";
import { stateFolder } from "../../core/files/state-folder.js";
import type { GlobalOptions } from "../shared/configuration.js";
import { port } from "../shared/flags.js";
import { openDoor } from "../shared/open-door.js";
import { onInterrupt, tell } from "../shared/process.js";
import type { TokenFlags } from "./serve-token.js";

interface ServeFlags extends TokenFlags {
  port?: number;
  host?: string;
}

export function addServeCommand(program: Command, version: string): void {
  program
    .command("serve")
    .description("serve HTTP and WebSocket: OpenAI-compatible API, /ws/chat, sessions and servers")
    .option("--port <n>", "port to listen on; 0 chooses a free one", port)
    .option("--host <address>", "address to listen on")
    .option(
      "--token-file <file>",
      "file with the token that callers send (default: serve.token, or a token that is made once)",
    )
    .addOption(new Option("--token <token>").argParser(refuseToken).hideHelp())
    .option("--no-token", "let every account and program of this machine call without a token")
    .action(async ({ token: given, tokenFile, ...flags }: ServeFlags) => {
      const { runServe } = await import("../../doors/http/serve.js");
      const { doorToken } = await import("./serve-token.js");
      return openDoor(
        program.opts<GlobalOptions>(),
        async (parts, app, files) => {
          const { ServerEntries } = await import("../../host/server-entries.js");
          const { HostSettingValues } = await import("../../host/setting-values.js");
          const { openApprovals } = await import("../../host/user-state.js");
          const { serve, mcpServe } = app.config;
          const { notices, ...token } = doorToken({ token: given, tokenFile }, { ...serve, ...flags }, process.env);
          tell([...app.notices, ...notices]);
          const mcp = {
            serve: mcpServe,
            given: {},
            defaults: () => app.config.chat.service,
          };
          const models = () => modelNames(app.config.llm);
          const signInFolder = stateFolder(process.env, "sign-ins");
          const options = { ...serve, ...flags, token: token.token, signInFolder, version, models, mcp };
          const serverSettings = new ServerEntries({ env: process.env, config: () => app.config, files });
          const approvals = openApprovals(process.env, (event) => parts.observe?.(event));
          const settings = new HostSettingValues({ env: process.env, files, resolveModel: app.resolveModel });
          return runServe({ ...parts, serverSettings, settings, approvals }, options, {
            stderr: process.stderr,
            onInterrupt,
            token,
          });
        },
        { followsFiles: true, scraped: true, leavesTurns: true },
      );
    });
}

function modelNames({ providers }: LlmConfig): string[] {
  return Object.entries(providers).flatMap(([name, { model }]) => (model ? [`${name}/${model}`] : []));
}

/** Throws an error for a token that was given on the command line: other users can read the arguments of a process. */
function refuseToken(): never {
  throw new RequestError("usage", "every account of this machine can read a token in the arguments of a process", {
    hint: "write the token into a file and name the file with --token-file, or set MCP_PLATFORM_SERVE__TOKEN",
  });
}
