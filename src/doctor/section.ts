import type { Finding } from "./finding.js";
import type { ServerCheck } from "./server-check.js";

/** Findings about one subject: the configuration, this machine, a provider, a server. */
export interface Section {
  name: string;
  findings: Finding[];
  /** Kind of the error with which a turn, or its start, ends if something here has failed. */
  kind: string;
  server?: ServerCheck;
}
