import { lexer, type MarkedToken, type Token, type Tokens } from "marked";
import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";
import { largest } from "../../core/lists/long-lists.js";
import { isReadableMarkdown } from "../../core/text/readable-markdown.js";
import type { Colors } from "../shared/terminal.js";
import type { MarkdownRenderer } from "./text-stream.js";

/** Renders Markdown with ANSI codes. The Markdown must not contain control characters, because the renderer does not remove them. */
export function createRenderer(colors: Colors): MarkdownRenderer {
  const renderer = new Renderer(colors);
  return {
    blocks(markdown, width) {
      if (!isReadableMarkdown(markdown)) return markdown.trim();
      try {
        return renderer.blocks(lexer(markdown), width);
      } catch {
        return markdown.trim();
      }
    },
    codeLine: (line, width) => renderer.code(line, width),
  };
}

class Renderer {
  readonly #colors: Colors;

  constructor(colors: Colors) {
    this.#colors = colors;
  }

  blocks(tokens: readonly Token[], width: number, gap = "\n\n"): string {
    return (tokens as MarkedToken[])
      .map((token) => this.#block(token, width))
      .filter((text) => text !== "")
      .join(gap);
  }

  #block(token: MarkedToken, width: number): string {
    const { bold, dim, underline } = this.#colors;
    switch (token.type) {
      case "heading": {
        const text = this.#inline(token.tokens);
        return wrap(bold(token.depth === 1 ? underline(text) : text), width);
      }
      case "paragraph":
        return wrap(this.#inline(token.tokens), width);
      case "text":
        return wrap(token.tokens ? this.#inline(token.tokens) : token.text, width);
      case "code":
        return this.code(token.text, width);
      case "blockquote":
        return indent(this.blocks(token.tokens, width - 2), dim("│ "));
      case "list":
        return this.#list(token, width);
      case "table":
        return this.#table(token, width);
      case "hr":
        return dim("─".repeat(Math.min(width, 40)));
      case "space":
      case "checkbox":
        return "";
      default:
        return wrap(token.raw.trim(), width);
    }
  }

  /** Renders lines of code. The rows that a long line goes on in are indented further. */
  code(text: string, width: number): string {
    const lines = text.replaceAll("\t", "    ").split("\n");
    return lines.map((line) => this.#codeLine(line, width)).join("\n");
  }

  #codeLine(line: string, width: number): string {
    const isShort = stringWidth(line) <= width - codeIndent.length;
    const [first = "", ...more] = (isShort ? line : wrap(line, width - codeRest.length, { trim: false })).split("\n");
    const rows = [codeIndent + this.#colors.cyan(first), ...more.map((row) => codeRest + this.#colors.cyan(row))];
    return line === "" ? "" : rows.join("\n");
  }

  #list(list: Tokens.List, width: number): string {
    const items = list.items.map((item, index) => {
      const mark = list.ordered ? `${Number(list.start) + index}. ` : "• ";
      const box = item.task ? (item.checked ? "☑ " : "☐ ") : "";
      const text = box + this.blocks(item.tokens, width - mark.length, item.loose ? "\n\n" : "\n");
      return this.#colors.dim(mark) + indent(text, " ".repeat(mark.length)).trimStart();
    });
    return items.join(list.loose ? "\n\n" : "\n");
  }

  /** Renders a table in columns if they fit the width. Otherwise renders one line `header: cell` per cell. */
  #table(table: Tokens.Table, width: number): string {
    const { bold, dim } = this.#colors;
    const header = table.header.map((cell) => bold(this.#inline(cell.tokens)));
    const rows = table.rows.map((row) => row.map((cell) => this.#inline(cell.tokens)));
    const widths = header.map((text, column) =>
      Math.max(stringWidth(text), largest(rows.map((row) => stringWidth(row[column] ?? "")))),
    );
    if (widths.reduce((sum, columnWidth) => sum + columnWidth + 3, -3) > width) {
      const records = rows.map((row) =>
        row.map((cell, column) => wrap(`${header[column]}: ${cell}`, width)).join("\n"),
      );
      return records.join("\n\n");
    }
    const line = (cells: readonly string[]) =>
      cells.map((cell, column) => align(cell, widths[column] ?? 0, table.align[column])).join(dim(" │ "));
    const rule = dim(widths.map((columnWidth) => "─".repeat(columnWidth)).join("─┼─"));
    return [line(header), rule, ...rows.map(line)].join("\n");
  }

  #inline(tokens: readonly Token[]): string {
    return (tokens as MarkedToken[]).map((token) => this.#span(token)).join("");
  }

  #span(token: MarkedToken): string {
    const { bold, cyan, dim, italic, strikethrough, underline } = this.#colors;
    switch (token.type) {
      case "strong":
        return bold(this.#inline(token.tokens));
      case "em":
        return italic(this.#inline(token.tokens));
      case "del":
        return strikethrough(this.#inline(token.tokens));
      case "codespan":
        return cyan(token.text);
      case "br":
        return "\n";
      case "checkbox":
        return "";
      case "link":
      case "image": {
        const text = token.type === "link" ? this.#inline(token.tokens) : token.text;
        const shown = token.href === token.text || token.href === `mailto:${token.text}`;
        return shown ? underline(text) : `${underline(text)} ${dim(`(${token.href})`)}`;
      }
      case "escape":
        return token.text;
      case "text":
        return token.tokens ? this.#inline(token.tokens) : token.text;
      default:
        return token.raw;
    }
  }
}

const codeIndent = "  ";
const codeRest = "      ";
/** Minimum width for wrapping. A narrower terminal wraps the lines itself. */
const minWidth = 10;

function wrap(text: string, width: number, options: { trim?: boolean } = {}): string {
  return wrapAnsi(text, Math.max(width, minWidth), { hard: true, ...options });
}

function indent(text: string, prefix: string): string {
  return text
    .split("\n")
    .map((line) => (prefix + line).trimEnd())
    .join("\n");
}

function align(cell: string, width: number, side: "center" | "left" | "right" | null | undefined): string {
  const space = Math.max(0, width - stringWidth(cell));
  const left = side === "right" ? space : side === "center" ? Math.floor(space / 2) : 0;
  return " ".repeat(left) + cell + " ".repeat(space - left);
}
