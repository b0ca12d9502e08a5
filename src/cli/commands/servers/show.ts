import { exitCodes } from "../../../doors/shared/exit-codes.js";
import type { App } from "../../../host/app.js";
import type { GlobalOptions } from "../../shared/configuration.js";
import { openDoor } from "../../shared/open-door.js";
import { onInterrupt, printInert } from "../../shared/process.js";

type Texts = typeof import("../../../session/shared/command-text.js");

/**
 * Waits until no server is starting any more, then prints the text that `textOf` returns, and ends with the exit code that `codeOf`
 * returns.
 */
export async function show(
  flags: GlobalOptions,
  textOf: (texts: Texts, app: App) => string | Promise<string>,
  codeOf: (app: App) => number = () => exitCodes.done,
): Promise<void> {
  const texts = await import("../../../session/shared/command-text.js");
  const interrupt = new Promise<"interrupt">((resolve) => onInterrupt(() => resolve("interrupt")));
  return openDoor(flags, async (_parts, app) => {
    if ((await Promise.race([app.ready(), interrupt])) === "interrupt") return exitCodes.cancelled;
    await printInert(await textOf(texts, app));
    return codeOf(app);
  });
}
