/** `config …`: shows, checks or creates a configuration, without starting a server. */
import type { Command } from "commander";
import { child } from "../../core/source/tree.js";
import { findSource, findUnconfirmed, type GlobalOptions, load } from "../shared/configuration.js";
import { tellForeign } from "../shared/confirmed.js";
import { print } from "../shared/process.js";

export function addConfigCommands(program: Command): void {
  const read = async () => {
    const flags = program.opts<GlobalOptions>();
    const source = findSource(flags);
    tellForeign(source);
    return { flags, source, loaded: await load(flags, source) };
  };
  const config = program.command("config").description("show, check or start a configuration");
  config
    .command("show")
    .description(
      "print the configuration in effect without its secrets, with a mark at each setting that is not confirmed",
    )
    .option("--origin", "also print where each value comes from")
    .action(async (options: { origin?: boolean }) => {
      const { flags, source, loaded } = await read();
      const { servers = [], settings = [] } = (await findUnconfirmed(loaded, { flags, source })) ?? {};
      const unconfirmed = [...settings, ...servers.map(({ name }) => child("/mcpServers", name))];
      print((await import("../../config/config-text.js")).showConfig(loaded, { ...options, unconfirmed }));
    });
  config
    .command("validate")
    .description("check the configuration: one line for each mistake, and exit code 2")
    .action(async () => print((await import("../../config/config-text.js")).validText((await read()).loaded)));
  config
    .command("schema")
    .description("print the JSON Schema, for editors")
    .option("--session", "print the schema of *.session.yaml files instead")
    .action(async ({ session }: { session?: boolean }) =>
      print(
        (
          await (session ? import("../../scripted/reading/script-schema.js") : import("../../config/config-text.js"))
        ).schemaText(),
      ),
    );
  config
    .command("init")
    .description("print a commented config.yaml to start from")
    .action(async () => print((await import("../../config/config-text.js")).initText()));
}
