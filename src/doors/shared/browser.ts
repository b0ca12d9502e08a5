import { spawn } from "node:child_process";

/** Opens a page in the user's browser if there is one. No shell is started, so the address cannot run a command. */
export function openInBrowser({ protocol, href }: URL): void {
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
