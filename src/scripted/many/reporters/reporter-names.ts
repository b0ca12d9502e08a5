/** Names of the reporters. They are not in the module of the reporters, so that the command line can list them without loading those. */
export const reporterNames = ["pretty", "json", "junit", "tap"] as const;

export type ReporterName = (typeof reporterNames)[number];
