/** `config …`: shows, checks or creates a configuration, without starting a server. */
import type { Command } from "commander";
import { child } from "../../core/source/tree.js";
import { findSource, findUnconfirmed, type GlobalOptions, load } from "../shared/configuration.js";
import { tellForeign } from "../shared/confirmed.js";
import { print } from "../shared/process.js";

export function addConfigCommands(program: Command): void {
  const config = program.command("config").description("show, check or start a configuration");
  config
    .command("show")
    .description("the configuration in effect, without its secrets; what is not confirmed is marked")
    .option("--origin", "with the place that each value comes from")
    .action(async (options: { origin?: boolean }) => {
      const flags = program.opts<GlobalOptions>();
      const source = findSource(flags);
      tellForeign(source);
      const read = await load(flags, source);
      const { servers = [], settings = [] } = (await findUnconfirmed(read, { flags, source })) ?? {};
      const unconfirmed = [...settings, ...servers.map(({ name }) => child("/mcpServers", name))];
      print((await import("../../config/config-text.js")).showConfig(read, { ...options, unconfirmed }));
    });
  config
    .command("validate")
    .description("exit code 2 and one line for each mistake")
    .action(async () => {
      const flags = program.opts<GlobalOptions>();
      const source = findSource(flags);
      tellForeign(source);
      print((await import("../../config/config-text.js")).validText(await load(flags, source)));
    });
  config
    .command("schema")
    .description("the JSON Schema, for editors")
    .option("--session", "that of *.session.yaml files")
    .action(async ({ session }: { session?: boolean }) =>
      print(
        (
          await (session ? import("../../scripted/reading/script-schema.js") : import("../../config/config-text.js"))
        ).schemaText(),
      ),
    );
  config
    .command("init")
    .description("a commented config.yaml to start from, on stdout")
    .action(async () => print((await import("../../config/config-text.js")).initText()));
}
