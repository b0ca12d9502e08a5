import type { Finding } from "./finding.js";
import type { ServerCheck } from "./server-check.js";

/** What was found at one thing: the configuration, this machine, a provider, a server. */
export interface Section {
  name: string;
  findings: Finding[];
  /** The kind of error that a turn, or its start, ends with where something here has failed. */
  kind: string;
  server?: ServerCheck;
}
