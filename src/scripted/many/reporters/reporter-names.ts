/** Names of the reporters. They have a module of their own, so that the command line can list them without loading the reporters. */
export const reporterNames = ["pretty", "json", "junit", "tap"] as const;

export type ReporterName = (typeof reporterNames)[number];
