import { loadOnce } from "../../core/files/load-once.js";

/** Most hosts never export, so the module is loaded at the first export. */
export const loadExport = loadOnce(() => import("./export.js"));
