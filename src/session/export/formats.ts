/** Apart from what makes them, so that the command line can name them without loading it. */
export const exportFormats = ["md", "json", "html"] as const;

export type ExportFormat = (typeof exportFormats)[number];
