/** The files that tsc leaves behind: copied beside the compiled code that reads them. */
import { chmodSync, copyFileSync } from "node:fs";

copyFileSync("src/config/config.schema.json", "dist/config/config.schema.json");
chmodSync("dist/main.js", 0o755);
