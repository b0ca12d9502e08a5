/** Asks the user whether a configuration file that was found in the working directory may be used. */
import type { LoadedConfig, LoadOptions } from "../../config/reading/load.js";
import { keyPath } from "../../core/source/tree.js";
import { unambiguous } from "../../core/text/inert.js";
import { type ConfigSource, findSource, findUnconfirmed, type GlobalOptions, load } from "./configuration.js";
import { tell } from "./process.js";

/**
 * Asks the user to confirm a found file, if a terminal is there. Returns the configuration without the parts that the user has not
 * confirmed.
 */
export async function confirmed(
  loaded: LoadedConfig,
  flags: GlobalOptions,
  source: ConfigSource,
): Promise<LoadedConfig> {
  tellForeign(source);
  const unconfirmed = await findUnconfirmed(loaded, { flags, source });
  if (!unconfirmed) return loaded;
  const { file, servers, settings, list } = unconfirmed;
  if (canAsk()) {
    const question = `${file} in this folder does this, with your rights:\n${list}Allow it from now on? y/n: `;
    if (await isAgreed(unambiguous(question))) {
      unconfirmed.confirm();
      return loaded;
    }
  } else {
    const left = [
      ...(servers.length > 0 ? ["its MCP servers are not started"] : []),
      ...(settings.length > 0 ? [`these settings have no effect (${settings.map(keyPath).join(", ")})`] : []),
    ];
    process.stderr.write(
      unambiguous(
        `${file} was only found in this folder, so ${left.join(" and ")} until you confirm that: ` +
          `pass --trust-project or --config ${file}, or answer the question once in a terminal.\n`,
      ),
    );
  }
  return unconfirmed.refused;
}

/** Tells the user which file of the working directory is left out because it belongs to another program, if any. */
export function tellForeign({ foreign }: ConfigSource): void {
  if (foreign === undefined) return;
  tell([
    `${foreign} in this folder belongs to another program, so it is not read. If it is yours, name it: --config ${foreign}`,
  ]);
}

/** Loads the configuration without its unconfirmed parts. Throws ConfigError. */
export async function loadConfirmed(
  flags: GlobalOptions,
  options: Pick<LoadOptions, "allowsUnset"> = {},
): Promise<LoadedConfig> {
  const source = findSource(flags);
  return confirmed(await load(flags, source, options), flags, source);
}

/**
 * A yes-or-no question at the terminal, asked before the host starts or something is deleted. It is written to stderr, because stdout is
 * for results.
 */
const { stdin, stderr } = process;

export function canAsk(): boolean {
  return stdin.isTTY && stderr.isTTY;
}

/**
 * Asks the question and returns true if the answer is yes. Prints the question unchanged, so the caller must escape texts that others
 * wrote.
 */
export async function isAgreed(question: string): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  const line = createInterface({ input: stdin, output: stderr });
  const answer = await line.question(question).finally(() => line.close());
  return /^y(es)?$/i.test(answer.trim());
}
