import type { Finding } from "./finding.js";
import type { ServerCheck } from "./server-check.js";

/** Findings about one subject: the configuration, this machine, a provider, a server. */
export interface Section {
  name: string;
  findings: Finding[];
  /** Error kind of the section. If one of its checks fails, a turn or the start of a host would end with an error of this kind. */
  kind: string;
  server?: ServerCheck;
}
