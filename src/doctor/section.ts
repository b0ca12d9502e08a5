import type { Finding } from "./finding.js";
import type { ServerCheck } from "./server-check.js";

/** Findings about one subject: the configuration, this machine, a provider, a server. */
export interface Section {
  name: string;
  findings: Finding[];
  /** Error kind with which a turn, or the start of a host, would end if a check of this section has failed. */
  kind: string;
  server?: ServerCheck;
}
