import type { Finding } from "./finding.js";
import type { ServerCheck } from "./server-check.js";

/** Findings about one subject: the configuration, this machine, a provider, a server. */
export interface Section {
  name: string;
  findings: Finding[];
  /** The kind of error with which a turn, or the start of a host, would end if one of these checks fails. */
  kind: string;
  server?: ServerCheck;
}
