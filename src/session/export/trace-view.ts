/** The trace view for exported files. `npm run build` makes it from web/file. */
import { readFileSync } from "node:fs";

/** Folder of the built trace view. The relative path is the same from src/ and from dist/. */
const folder = new URL("../../../dist/file-view/", import.meta.url);

interface TraceViewFiles {
  script: string;
  style: string;
}

/** Returns the script and style of the trace view. Undefined if they have not been built. */
export function traceView(): TraceViewFiles | undefined {
  try {
    const [script = "", style = ""] = ["view.js", "view.css"].map((name) =>
      readFileSync(new URL(name, folder), "utf8"),
    );
    return { script, style };
  } catch {
    return undefined;
  }
}
