/**
 * Names of the reporters, and of the formats of a summary. They have a module of their own, so that the command line can check a name without
 * loading the code that writes them.
 */
export const reporterNames = ["pretty", "json", "junit", "tap"] as const;

export type ReporterName = (typeof reporterNames)[number];

const summaryFormats = ["html", "json", "md"] as const;

export type SummaryFormat = (typeof summaryFormats)[number];

/** Returns the format that the extension of the file name stands for. Undefined if the extension is unknown. */
export function summaryFormatOf(path: string): SummaryFormat | undefined {
  return summaryFormats.find((format) => path.endsWith(`.${format}`));
}
