import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";

interface StartConditions {
  env: Readonly<Record<string, string>>;
  cwd: string | undefined;
}

/** Returns the absolute path of the program. Undefined if the program does not exist or is not executable. */
export function commandPath(command: string, { env, cwd = process.cwd() }: StartConditions): string | undefined {
  if (isAbsolute(command) || /[/\\]/.test(command)) return runnable(resolve(cwd, command));
  const folders = (env.PATH ?? process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const folder of folders) {
    const found = runnable(join(resolve(cwd, folder), command));
    if (found) return found;
  }
  return undefined;
}

function runnable(path: string): string | undefined {
  const endings = process.platform === "win32" ? ["", ...(process.env.PATHEXT ?? ".EXE;.CMD;.BAT").split(";")] : [""];
  return endings.map((ending) => path + ending).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const providers: Readonly<Record<string, string>> = {
  npx: "install Node.js, which brings npx",
  node: "install Node.js",
  npm: "install Node.js, which brings npm",
  uvx: "install uv, which brings uvx (https://docs.astral.sh/uv/)",
  uv: "install uv (https://docs.astral.sh/uv/)",
  docker: "install Docker, and start it",
  bunx: "install Bun, which brings bunx",
};

/** Returns advice on how to install a missing program. */
export function installing(command: string, server: string): string {
  const install = Object.hasOwn(providers, command) ? providers[command] : `install ${command}`;
  return `${install}, or write its whole path into mcpServers.${server}.command`;
}
