/** `serve`: the network door. */
import { type Command, InvalidArgumentError } from "commander";
import type { LlmConfig } from "../core/config.js";
import type { GlobalOptions } from "./configuration.js";
import { wholeNumber } from "./flags.js";
import { openDoor } from "./open-door.js";
import { onInterrupt, tell } from "./process.js";

interface ServeFlags {
  port?: number;
  host?: string;
  token?: string;
}

export function addServeCommand(program: Command, version: string): void {
  program
    .command("serve")
    .description("HTTP and WebSocket: OpenAI-compatible API, /ws/chat, sessions and servers")
    .option("--port <n>", "port; 0: any that is free", wholeNumber)
    .option("--host <address>", "address to listen on; any other than a loopback one needs a token")
    .option(
      "--token <token>",
      "what callers have to send; better in MCP_PLATFORM_SERVE__TOKEN, where no process list shows it",
      longToken,
    )
    .action(async (flags: ServeFlags) => {
      const { runServe } = await import("../frontends/http/serve.js");
      return openDoor(
        program.opts<GlobalOptions>(),
        (parts, app) => {
          tell(app.notices);
          const { serve, mcpServe } = app.config;
          const mcp = { serve: mcpServe, said: {}, defaults: () => app.config.chat.service, passage: app.hub.passage };
          const options = { ...serve, ...flags, version, models: () => modelNames(app.config.llm), mcp };
          return runServe(parts, options, { stderr: process.stderr, onInterrupt });
        },
        { followsFiles: true, scraped: true },
      );
    });
}

function modelNames({ providers }: LlmConfig): string[] {
  return Object.entries(providers).flatMap(([name, { model }]) => (model ? [`${name}/${model}`] : []));
}

/** As the schema of the configuration has it. */
function longToken(text: string): string {
  if (text.length >= 16) return text;
  throw new InvalidArgumentError("a token has at least 16 characters");
}
