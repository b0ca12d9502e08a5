/** `config …`: shows, checks or starts a configuration. No server is started. */
import type { Command } from "commander";
import { type GlobalOptions, load } from "./configuration.js";
import { print } from "./process.js";

export function addConfigCommands(program: Command): void {
  const loaded = () => load(program.opts<GlobalOptions>());
  const config = program.command("config").description("show, check or start a configuration");
  config
    .command("show")
    .description("the configuration in effect, without its secrets")
    .option("--origin", "with the place that each value comes from")
    .action(async (options: { origin?: boolean }) =>
      print((await import("../config/commands.js")).showConfig(await loaded(), options)),
    );
  config
    .command("validate")
    .description("exit code 2 and one line for each mistake")
    .action(async () => print((await import("../config/commands.js")).validText(await loaded())));
  config
    .command("schema")
    .description("the JSON Schema, for editors")
    .option("--session", "that of *.session.yaml files")
    .action(async ({ session }: { session?: boolean }) =>
      print((await (session ? import("../frontends/script/schema.js") : import("../config/commands.js"))).schemaText()),
    );
  config
    .command("init")
    .description("a commented config.yaml to start from, on stdout")
    .action(async () => print((await import("../config/commands.js")).initText()));
}
