/** Returns true if the name of a tool or prompt begins with the server's name, as in `server.tool` and `server__tool`. */
export function namesServer(name: string, server: string): boolean {
  return name.startsWith(`${server}.`) || name.startsWith(`${server}__`);
}
