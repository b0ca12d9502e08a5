/** Names of the formats. They are not in the module of the exporters, so that the command line need not load the exporters to list them. */
export const exportFormats = ["md", "json", "html"] as const;

export type ExportFormat = (typeof exportFormats)[number];
