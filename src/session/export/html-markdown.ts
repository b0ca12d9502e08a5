import { lexer, type MarkedToken, type Token, type Tokens } from "marked";
import { isReadableMarkdown } from "../../core/text/readable-markdown.js";
import { escapeHtml } from "./escape.js";

/**
 * Converts the model's Markdown to HTML that uses only a few kinds of elements. HTML in the Markdown is shown as text. Pictures become
 * links, so that the page loads nothing.
 */
export function markdownToHtml(markdown: string): string {
  if (!isReadableMarkdown(markdown)) return plain(markdown);
  try {
    return blocks(lexer(markdown));
  } catch {
    return plain(markdown);
  }
}

/** Converts plain text to HTML that keeps its line breaks. */
export function plain(text: string): string {
  return `<pre>${escapeHtml(text)}</pre>`;
}

function blocks(tokens: readonly Token[]): string {
  return (tokens as MarkedToken[]).map(block).join("");
}

function block(token: MarkedToken): string {
  switch (token.type) {
    case "heading":
      return `<h4>${spans(token.tokens)}</h4>`;
    case "paragraph":
      return `<p>${spans(token.tokens)}</p>`;
    case "text":
      return token.tokens ? spans(token.tokens) : escapeHtml(token.text);
    case "code":
      return plain(token.text);
    case "blockquote":
      return `<blockquote>${blocks(token.tokens)}</blockquote>`;
    case "list":
      return list(token);
    case "table":
      return table(token);
    case "hr":
      return "<hr>";
    case "space":
    case "checkbox":
      return "";
    default:
      return `<p>${escapeHtml(token.raw)}</p>`;
  }
}

function list({ ordered, start, items }: Tokens.List): string {
  const rows = items.map(
    ({ task, checked, tokens }) => `<li>${task ? (checked ? "☑ " : "☐ ") : ""}${blocks(tokens)}</li>`,
  );
  const first = ordered && Number.isSafeInteger(start) ? ` start="${Number(start)}"` : "";
  return ordered ? `<ol${first}>${rows.join("")}</ol>` : `<ul>${rows.join("")}</ul>`;
}

function table({ header, rows }: Tokens.Table): string {
  const row = (cells: readonly Tokens.TableCell[], name: "th" | "td") =>
    `<tr>${cells.map(({ tokens }) => `<${name}>${spans(tokens)}</${name}>`).join("")}</tr>`;
  return `<table>${row(header, "th")}${rows.map((cells) => row(cells, "td")).join("")}</table>`;
}

function spans(tokens: readonly Token[]): string {
  return (tokens as MarkedToken[]).map(span).join("");
}

function span(token: MarkedToken): string {
  switch (token.type) {
    case "strong":
      return `<strong>${spans(token.tokens)}</strong>`;
    case "em":
      return `<em>${spans(token.tokens)}</em>`;
    case "del":
      return `<del>${spans(token.tokens)}</del>`;
    case "codespan":
      return `<code>${escapeHtml(token.text)}</code>`;
    case "br":
      return "<br>";
    case "checkbox":
      return "";
    case "link":
      return link(token.href, spans(token.tokens));
    case "image":
      return link(token.href, escapeHtml(token.text || token.href));
    case "escape":
      return escapeHtml(token.text);
    case "text":
      return token.tokens ? spans(token.tokens) : escapeHtml(token.text);
    default:
      return escapeHtml(token.raw);
  }
}

/** Returns a link if the address is a web page or a mail address. Otherwise returns only the text. */
function link(href: string, text: string): string {
  if (!/^(https?:\/\/|mailto:)/i.test(href)) return text;
  return `<a href="${escapeHtml(href)}" rel="noopener noreferrer">${text}</a>`;
}
