/** The trace view for exported files, which `npm run build` makes from frontends/http/ui/file. */
import { readFileSync } from "node:fs";

/** The same relative path from src/ and dist/. */
const folder = new URL("../../../dist/file-view/", import.meta.url);

interface TraceViewFiles {
  script: string;
  style: string;
}

/** Reads the built files; undefined if there are none. */
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
