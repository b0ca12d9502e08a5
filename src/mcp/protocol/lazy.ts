import { loadOnce } from "../../core/files/load-once.js";

/** Modules that are slow to load and not always needed. */
export const loadLegacy = loadOnce(() => import("./legacy-session.js"));

export const loadModern = loadOnce(() => import("./modern-session.js"));
