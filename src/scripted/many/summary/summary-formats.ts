/** Formats of a summary. They are not in the module that writes them, so that the command line can check a name without loading it. */
const summaryFormats = ["html", "json", "md"] as const;

export type SummaryFormat = (typeof summaryFormats)[number];

/** Returns the format for the extension of the file's name. Undefined if the extension is unknown. */
export function summaryFormatOf(path: string): SummaryFormat | undefined {
  return summaryFormats.find((format) => path.endsWith(`.${format}`));
}
