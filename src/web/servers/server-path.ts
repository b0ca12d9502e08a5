/** Returns the path of a server's routes. */
export function serverPath(name: string): string {
  return `/api/servers/${encodeURIComponent(name)}`;
}

/** Answer of the routes that change the configuration. `notices` are for the person. */
export interface ChangeAnswer {
  notices: string[];
}
