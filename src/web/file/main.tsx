import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/controls.css";
import "../styles/markdown.css";
import "../styles/trace.css";
import "./file.css";
import { render } from "preact";
import type { StoredEvent } from "../../core/events.js";
import { FileView } from "./file-view.js";

/**
 * Data that src/session/export has written into the file. The transcript is part of the file's HTML, so it is shown even if scripts do not
 * run.
 */
const data = JSON.parse(document.getElementById("data")?.textContent ?? "") as {
  conversationId: string;
  events: StoredEvent[];
};
const root = document.getElementById("view");
const transcript = document.querySelector("main");
if (root && transcript) render(<FileView {...data} transcript={transcript} />, root);
