import { loadOnce } from "../../core/files/load-once.js";

/** Modules that are slow to load and not always needed. */
export const loadLegacy = loadOnce(() => import("./legacy-peer.js"));

export const loadModern = loadOnce(() => import("./modern-peer.js"));
