/** Separate from the exporters, so that the command line can name the formats without loading them. */
export const exportFormats = ["md", "json", "html"] as const;

export type ExportFormat = (typeof exportFormats)[number];
