/** Names of the formats. They have their own module, so that the command line can list them without loading the exporters. */
export const exportFormats = ["md", "json", "html"] as const;

export type ExportFormat = (typeof exportFormats)[number];
